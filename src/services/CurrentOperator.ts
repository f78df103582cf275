import { Context } from "effect"
import type { Operator } from "../domain/Operator.ts"

/** Who asks for what a fiber does; set where a request comes in. Undefined: nobody, or it is not known. */
export const CurrentOperator = Context.Reference<Operator | undefined>("vpc-router/services/CurrentOperator", {
  defaultValue: () => undefined,
})
