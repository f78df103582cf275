import { Brand } from "effect"

/** `vpc-…` */
export type VpcId = Brand.Branded<string, "VpcId">
/** `rtb-…` */
export type RouteTableId = Brand.Branded<string, "RouteTableId">
/** `eni-…` */
export type InterfaceId = Brand.Branded<string, "InterfaceId">
/** `i-…` */
export type InstanceId = Brand.Branded<string, "InstanceId">
/** `subnet-…` */
export type SubnetId = Brand.Branded<string, "SubnetId">
/** Twelve digits, or an alias such as `amazon-aws`. */
export type AccountId = Brand.Branded<string, "AccountId">

export const VpcId = Brand.nominal<VpcId>()
export const RouteTableId = Brand.nominal<RouteTableId>()
export const InterfaceId = Brand.nominal<InterfaceId>()
export const InstanceId = Brand.nominal<InstanceId>()
export const SubnetId = Brand.nominal<SubnetId>()
export const AccountId = Brand.nominal<AccountId>()
