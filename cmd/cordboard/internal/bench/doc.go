// Command bench measures the real daemon from outside: it starts bin/cordboard as a child process on loopback, plays the PBX
// with its customers and the agents' phones around it, and reads the child's processor time and memory from /proc. What the
// generator itself costs is in no figure. Linux only.
//
// It prints a table of medians with the spread over the runs and writes bench-out/bench.json. The exit status is 1 when a bar
// is missed or a measurement is not valid (calls failed, packets lost, sound that was not what it had to be).
package main
