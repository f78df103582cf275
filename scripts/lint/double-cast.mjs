// `x as unknown as T` tells the compiler to stop looking: the oxlint rule `house/no-double-cast`.
export const noDoubleCast = {
  meta: { type: "problem", docs: { description: "no cast of a cast" } },
  create: (context) => ({
    TSAsExpression(node) {
      if (node.expression.type === "TSAsExpression") {
        context.report({ node, message: "A cast of a cast hides what the value is: decode it, or narrow it." })
      }
    },
  }),
}
