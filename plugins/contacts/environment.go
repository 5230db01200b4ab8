package contacts

import (
	"os"
	"strconv"
	"strings"

	"cordboard/callcontrol"
	"cordboard/plugins/adapter"
	"cordboard/plugins/sdk"
)

// longestVariable is the most that a variable of a hook has, in bytes.
const longestVariable = 512

// hookEnv is the adapter's environment, without what belongs to the adapter itself, and what the event
// tells. Values are one line of text each, without control characters; their names never come from a call.
func hookEnv(e sdk.Event, records []record) []string {
	var env []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "PLUGIN_") && !strings.HasPrefix(v, "CORDBOARD_") && !strings.HasPrefix(v, "CREDENTIALS_DIRECTORY=") {
			env = append(env, v)
		}
	}
	set := func(name, value string) {
		env = append(env, "CORDBOARD_"+name+"="+adapter.Clean(value, longestVariable))
	}
	set("EVENT", string(e.Kind))
	set("CURSOR", e.Cursor.Epoch+":"+strconv.FormatUint(e.Cursor.Seq, 10))
	set("AGENT", string(e.Agent))
	set("CALL", string(e.CallID))
	set("CAUSE", string(e.Cause))
	call := callcontrol.CallView{Remote: e.Remote}
	if e.Call != nil {
		call = *e.Call
	}
	set("INTERACTION", string(call.Interaction))
	set("DIRECTION", string(call.Direction))
	set("PHASE", string(call.Phase))
	set("LINE", string(call.Line))
	set("QUEUE", call.Queue)
	set("NUMBER", string(call.Remote.Number))
	set("DISPLAY", call.Remote.Display)
	chosen := call.Contact
	if chosen == (callcontrol.Contact{}) && len(records) == 1 {
		chosen = records[0].contact().Bound()
	}
	set("CONTACT_ID", chosen.ID)
	set("CONTACT_NAME", chosen.Name)
	set("CONTACT_KIND", chosen.Kind)
	set("CONTACTS", strconv.Itoa(len(records)))
	return env
}
