import type { Route } from "../../domain/Vpc.ts"

/**
 * Gives equal routes as one object. The tables of a VPC hold mostly the same routes, as one host carries a destination in all
 * of them: 200 tables of 1,000 routes are then 1,000 routes and a list of pointers for each table.
 */
export class SharedRoutes {
  readonly #routes = new Map<string, Route>()

  share(route: Route): Route {
    const key = JSON.stringify(route)
    const known = this.#routes.get(key)
    if (known === undefined) this.#routes.set(key, route)
    return known ?? route
  }

  /** Forgets all when it holds more than `most`: what comes then shares nothing with what was there before, and is no less right. */
  bound(most: number): void {
    if (this.#routes.size > most) this.#routes.clear()
  }
}
