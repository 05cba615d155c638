package docs

// root is the repository, seen from this package.
const root = "../.."
