/** The version in package.json; a test holds the two together. */
export const version = "2.0.0-alpha.1"
