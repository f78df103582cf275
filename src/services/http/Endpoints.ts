import { Context, Option } from "effect"
import { FindMyWay } from "effect/http"
import { HttpApi, type HttpApiGroup, OpenApi } from "effect/http-api"
import type { Described } from "./ApiHandlers.ts"

interface Endpoint {
  readonly method: string
  readonly path: `/${string}`
  readonly summary: string
  /** Not told about: the page's own files. */
  readonly isHidden: boolean
}

const isPath = (path: string): path is `/${string}` => path.startsWith("/")

const endpointsOf = <Id extends string, Groups extends HttpApiGroup.Constraint>(
  api: HttpApi.HttpApi<Id, Groups>,
): ReadonlyArray<Endpoint> => {
  const endpoints: Array<Endpoint> = []
  HttpApi.reflect(api, {
    onGroup: () => undefined,
    onEndpoint: ({ endpoint: { method, path }, mergedAnnotations }) => {
      const summary = Option.getOrElse(Context.getOption(mergedAnnotations, OpenApi.Summary), () => "")
      const isHidden = Context.get(mergedAnnotations, OpenApi.Exclude)
      if (isPath(path)) endpoints.push({ method, path, summary, isHidden })
    },
  })
  return endpoints
}

/** The `Allow` header of a path: what it may be asked; undefined: there is no such path. */
export const makeAllow = <Id extends string, Groups extends HttpApiGroup.Constraint>(
  api: HttpApi.HttpApi<Id, Groups>,
): ((url: string) => string | undefined) => {
  const router = FindMyWay.make<string>()
  for (const [path, endpoints] of Map.groupBy(endpointsOf(api), ({ path }) => path)) {
    const methods = endpoints.flatMap(({ method }) => (method === "GET" ? ["GET", "HEAD"] : [method]))
    router.on("GET", path, methods.join(", "))
  }
  return (url) => router.find("GET", url)?.handler
}

/** What the API says of itself; the document is made when it is first asked for. */
export const describeApi = <Id extends string, Groups extends HttpApiGroup.Constraint>(
  api: HttpApi.HttpApi<Id, Groups>,
): Described => ({
  document: (version) => {
    const { components, info, openapi, ...rest } = OpenApi.fromApi(api)
    const bearer = { type: "http", scheme: "bearer" }
    return { openapi, info: { ...info, version }, ...rest, components: { ...components, securitySchemes: { bearer } } }
  },
  links: Object.fromEntries(
    endpointsOf(api)
      .filter(({ isHidden }) => !isHidden)
      .map(({ method, path, summary }) => [`${method} ${path.replaceAll(/:([a-z]+)/g, "{$1}")}`, summary]),
  ),
})
