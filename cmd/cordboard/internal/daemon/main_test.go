package daemon

import (
	"flag"
	"fmt"
	"os"
	"testing"
)

// TestMain lets more cells run at a time than there are processors, unless told otherwise: they mostly wait.
func TestMain(m *testing.M) {
	flag.Parse()
	told := false
	flag.Visit(func(f *flag.Flag) { told = told || f.Name == "test.parallel" })
	if !told {
		if err := flag.Set("test.parallel", "6"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}
