import type { Route } from "@aws-sdk/client-ec2"
import { AccountId, InstanceId, InterfaceId } from "../../domain/Ids.ts"
import { RouteTarget } from "../../domain/Vpc.ts"

/** EC2's fields for targets that are neither instance nor interface, and so never ours. */
const otherFields = [
  "GatewayId",
  "NatGatewayId",
  "TransitGatewayId",
  "VpcPeeringConnectionId",
  "EgressOnlyInternetGatewayId",
  "LocalGatewayId",
  "CarrierGatewayId",
  "CoreNetworkArn",
  "OdbNetworkArn",
  "IpAddress",
] as const satisfies ReadonlyArray<keyof Route>

const present = (text: string | undefined): text is string => text !== undefined && text !== ""

/**
 * Where a route leads. A target in a field that this SDK does not know is `Unknown`, which is nobody's to write: one
 * foreign route of a new kind must not end the reading of all tables.
 */
export const decodeTarget = (route: Route): RouteTarget => {
  const ownerId = present(route.InstanceOwnerId) ? AccountId(route.InstanceOwnerId) : undefined
  const instanceId = present(route.InstanceId) ? InstanceId(route.InstanceId) : undefined
  if (present(route.NetworkInterfaceId)) {
    const interfaceId = InterfaceId(route.NetworkInterfaceId)
    return RouteTarget.Interface({ interfaceId, instanceId, ownerId })
  }
  if (instanceId !== undefined) return RouteTarget.Instance({ instanceId, ownerId })
  for (const kind of otherFields) {
    const id = route[kind]
    if (present(id)) return RouteTarget.Other({ kind, id })
  }
  return RouteTarget.Other({ kind: "Unknown", id: "unknown" })
}
