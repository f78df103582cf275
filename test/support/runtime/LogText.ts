/** What was logged, as one text: a logger gets a list of what was given. */
export const logText = (message: unknown): string =>
  Array.isArray(message) ? message.map((part) => logText(part)).join(" ") : String(message)
