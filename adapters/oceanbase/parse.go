package oceanbase

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
)

// columns reads typed values out of a row and remembers the first mistake: what
// is not recognised makes the whole part unknown.
type columns struct {
	r   row
	err error
}

func (c *columns) fail(name, want string) {
	if c.err == nil {
		c.err = fmt.Errorf("the column %s is %q, not %s", name, clip(c.r[name], 40), want)
	}
}

// text gives a value that must be there.
func (c *columns) text(name string) string {
	v, ok := c.r[name]
	if !ok {
		c.fail(name, "a text")
	}
	return v
}

// word gives a value in upper case; a NULL is "".
func (c *columns) word(name string) string {
	v := strings.ToUpper(strings.TrimSpace(c.r[name]))
	if v != "" && !plainWord.MatchString(v) {
		c.fail(name, "a word")
		return ""
	}
	return v
}

var plainWord = regexp.MustCompile(`^[A-Z0-9_$ ]{1,60}$`)

func (c *columns) number(name string) int64 {
	v, err := strconv.ParseInt(c.r[name], 10, 64)
	if err != nil {
		c.fail(name, "a number")
	}
	return v
}

func (c *columns) unsigned(name string) uint64 {
	v, err := strconv.ParseUint(c.r[name], 10, 64)
	if err != nil {
		c.fail(name, "a number without sign")
	}
	return v
}

// scn gives an SCN; a NULL is 0.
func (c *columns) scn(name string) SCN {
	v, ok := c.r[name]
	if !ok {
		return 0
	}
	s, err := ParseSCN(v)
	if err != nil {
		c.fail(name, "an SCN")
	}
	return s
}

func (c *columns) yes(name string) bool {
	switch c.word(name) {
	case "YES":
		return true
	case "NO":
	default:
		c.fail(name, "YES or NO")
	}
	return false
}

// clock gives a time without zone; a NULL or a zero time is nil.
func (c *columns) clock(name string) *time.Time {
	v, ok := c.r[name]
	if !ok || strings.HasPrefix(v, "0000-00-00") {
		return nil
	}
	t, err := parseClock(v)
	if err != nil {
		c.fail(name, "a time")
		return nil
	}
	return &t
}

func parseClock(v string) (time.Time, error) {
	return time.Parse("2006-01-02 15:04:05.999999", v)
}

// server gives ip:port.
func (c *columns) server() string {
	ip := c.text("SVR_IP")
	if !kit.Address.MatchString(ip) && c.err == nil {
		c.fail("SVR_IP", "an address")
	}
	return ip + ":" + strconv.FormatInt(c.number("SVR_PORT"), 10)
}

func parseTenant(r row) (*Tenant, error) {
	c := &columns{r: r}
	t := &Tenant{
		ID: c.number("TENANT_ID"), Name: c.text("TENANT_NAME"), Type: c.word("TENANT_TYPE"), Mode: c.word("COMPATIBILITY_MODE"),
		Status: c.word("STATUS"), Role: c.word("TENANT_ROLE"), Switchover: spaced(c.word("SWITCHOVER_STATUS")),
		Sync: c.scn("SYNC_SCN"), Replayable: c.scn("REPLAYABLE_SCN"), Readable: c.scn("READABLE_SCN"), Until: c.scn("RECOVERY_UNTIL_SCN"),
		LogMode: c.word("LOG_MODE"), Locked: c.yes("LOCKED"), Recycled: c.yes("IN_RECYCLEBIN"),
	}
	t.Epoch = strconv.FormatInt(c.number("SWITCHOVER_EPOCH"), 10)
	if v, ok := r["COMPATIBLE"]; ok {
		p, good := parseVersion(v)
		if !good {
			c.fail("COMPATIBLE", "a version")
		}
		t.Compatible = &p
	}
	if t.Status == "" || t.Type == "" {
		c.fail("STATUS", "a status")
	}
	return t, c.err
}

// spaced undoes the underscores with which some pages write a status.
func spaced(s string) string { return strings.TrimSuffix(strings.ReplaceAll(s, "_", " "), " STATUS") }

func parseStream(r row, meta bool) (Stream, error) {
	c := &columns{r: r}
	s := Stream{ID: c.number("LS_ID"), Meta: meta, Status: c.word("STATUS"), Sync: c.scn("SYNC_SCN")}
	if s.Status == "" {
		c.fail("STATUS", "a status")
	}
	return s, c.err
}

func parseLog(r row, meta bool) (Log, error) {
	c := &columns{r: r}
	l := Log{
		Stream: c.number("LS_ID"), Meta: meta, Server: c.server(), Access: spaced(c.word("ACCESS_MODE")),
		Begin: c.unsigned("BEGIN_LSN"), End: c.unsigned("END_LSN"), EndSCN: c.scn("END_SCN"),
	}
	l.Access = strings.ReplaceAll(l.Access, " ", "_")
	l.Leader = c.leader()
	return l, c.err
}

func (c *columns) leader() bool {
	switch c.word("ROLE") {
	case "LEADER":
		return true
	case "FOLLOWER":
	default:
		c.fail("ROLE", "LEADER or FOLLOWER")
	}
	return false
}

func parseReplica(r row) (Replica, error) {
	c := &columns{r: r}
	v := Replica{Stream: c.number("LS_ID"), Server: c.server(), Leader: c.leader()}
	v.Members = clip(strings.TrimSpace(r["MEMBER_LIST"]+" "+r["LEARNER_LIST"]), 4000)
	return v, c.err
}

func parseServer(r row) (Server, error) {
	c := &columns{r: r}
	v := Server{Address: c.server(), Status: c.word("STATUS"), Stopped: c.clock("STOP_TIME") != nil, Offline: c.clock("LAST_OFFLINE_TIME")}
	if v.Status == "" {
		c.fail("STATUS", "a status")
	}
	return v, c.err
}

func parseFetch(r row) (Fetch, error) {
	c := &columns{r: r}
	v := Fetch{Stream: c.number("LS_ID"), Status: spaced(c.word("SYNC_STATUS")), Code: c.number("ERR_CODE"), Sync: c.scn("SYNC_SCN")}
	if v.Status == "" {
		c.fail("SYNC_STATUS", "a status")
	}
	return v, c.err
}

// parseSource reads a source row and keeps nothing of its secrets. The value is
// KEY=value with commas between; a password with a comma only leaves pieces that
// are not recognised, and these are dropped.
func parseSource(r row) (*SourceRow, error) {
	c := &columns{r: r}
	v := &SourceRow{Type: c.word("TYPE")}
	value := c.text("VALUE")
	switch v.Type {
	case "SERVICE":
		for _, part := range strings.Split(value, ",") {
			key, val, _ := strings.Cut(part, "=")
			switch strings.ToUpper(strings.TrimSpace(key)) {
			case "IP_LIST", "SERVICE":
				for _, a := range strings.Split(val, ";") {
					if !address(a) {
						return nil, fmt.Errorf("the source's address list is not recognised")
					}
					v.Addresses = append(v.Addresses, a)
				}
			case "TENANT_ID":
				v.Tenant = numberOr(val)
			case "CLUSTER_ID":
				v.Cluster = numberOr(val)
			}
		}
		if len(v.Addresses) == 0 {
			return nil, fmt.Errorf("the source's value names no address")
		}
	case "LOCATION", "RAWPATH":
		loc := strings.TrimPrefix(value, "LOCATION=")
		loc, query, _ := strings.Cut(loc, "?")
		host, _, _ := strings.Cut(query, "&")
		if strings.HasPrefix(host, "host=") {
			loc += "?" + host
		}
		if !destination.MatchString(loc) {
			return nil, fmt.Errorf("the source's location is not recognised")
		}
		v.Location = loc
	default:
		c.fail("TYPE", "SERVICE, LOCATION or RAWPATH")
	}
	return v, c.err
}

func numberOr(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// parseEvent reads a completed change of roles out of the event history; ok is
// false for other rows.
func parseEvent(r row) (RoleEvent, bool) {
	event, ended := strings.CutSuffix(strings.ToUpper(strings.TrimSpace(r["EVENT"])), " END")
	if !ended || r["RET_CODE"] != "0" && r["RET_CODE"] != "" {
		return RoleEvent{}, false
	}
	switch event {
	case "SWITCHOVER TO PRIMARY", "SWITCHOVER TO STANDBY", "FAILOVER TO PRIMARY":
	default:
		return RoleEvent{}, false
	}
	if _, err := parseClock(r["TIMESTAMP"]); err != nil {
		return RoleEvent{}, false
	}
	e := RoleEvent{At: r["TIMESTAMP"], Event: event}
	for i := 1; i <= 6; i++ {
		n := strconv.Itoa(i)
		if strings.EqualFold(r["NAME"+n], "SWITCHOVER_SCN") {
			e.SCN, _ = ParseSCN(r["VALUE"+n])
		}
	}
	return e, true
}
