// The rules of this house, for oxlint.
import { noDoubleCast } from "./double-cast.mjs"
import { mayTouch } from "./rooms.mjs"

export default { meta: { name: "house" }, rules: { "may-touch": mayTouch, "no-double-cast": noDoubleCast } }
