// Package docs holds the tests of the documentation: what the pages tell
// people to type exists, what they link to is there, and the example inventory
// loads.
package docs
