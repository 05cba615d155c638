// Package e2e runs the real programs of this repository as processes for
// tests: the development server, the lab, the worker and the starter. A test
// can kill, stop, continue and restart each of them, as a bad night does.
//
// Only what a test asks for is built, once, without the race detector. Every
// process runs in a group of its own, dies with the test process (on Linux)
// and is gone, with everything that it started, when the test ends; when a
// test fails, the tails of all logs are printed.
package e2e
