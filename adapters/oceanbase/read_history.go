package oceanbase

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/switchback-dr/switchback/dr"
)

// archive reads the state of the tenant's log archive.
func (x *reader) archive() {
	rows, ok := x.rows("archive", "SELECT STATUS, PATH FROM "+x.view("ARCHIVELOG")+x.mine(x.id))
	if !ok {
		return
	}
	a := &Archive{Status: "STOP"}
	for _, r := range rows {
		c := &columns{r: r}
		a.Status, a.Path = c.word("STATUS"), withoutKeys(r["PATH"])
		if c.err != nil || a.Status == "" || len(rows) > 1 {
			x.unread("archive", fmt.Errorf("the log archive's state is not recognised"))
			return
		}
	}
	if len(rows) > 0 {
		rows, _ = x.rows("archive_dest", "SELECT STATUS, SYNCHRONIZED FROM oceanbase.V$OB_ARCHIVE_DEST_STATUS WHERE TENANT_ID = "+strconv.FormatInt(x.id, 10))
		if len(rows) == 1 {
			switch strings.ToUpper(rows[0]["SYNCHRONIZED"]) {
			case "YES":
				a.Synchronized = dr.Yes
			case "NO":
				a.Synchronized = dr.No
			}
		}
	}
	x.r.Archive = a
}

// withoutKeys cuts a URI's query off: keys stand there.
func withoutKeys(uri string) string {
	loc, _, _ := strings.Cut(uri, "?")
	return clip(loc, 300)
}

func (x *reader) history() {
	x.recycled()
	x.lastBackup()
	if !x.r.Version.least(network) {
		return
	}
	where := x.mine(x.id)
	if where == "" {
		where = " WHERE MODULE = 'TENANT ROLE CHANGE'"
	} else {
		where += " AND MODULE = 'TENANT ROLE CHANGE'"
	}
	cols := "TIMESTAMP, EVENT, RET_CODE"
	for i := 1; i <= 6; i++ {
		n := strconv.Itoa(i)
		cols += ", NAME" + n + ", VALUE" + n
	}
	rows, _ := x.rows("events", "SELECT "+cols+" FROM "+x.view("TENANT_EVENT_HISTORY")+where)
	for _, r := range rows {
		if e, ok := parseEvent(r); ok && (x.r.LastChange == nil || e.At >= x.r.LastChange.At) {
			x.r.LastChange = &e
		}
	}
}

// recycled says whether a stream of the past is gone.
func (x *reader) recycled() {
	rows, ok := x.rows("history", "SELECT LS_ID FROM "+x.view("LS_HISTORY")+x.mine(x.id))
	if !ok {
		return
	}
	for _, r := range rows {
		c := &columns{r: r}
		id := c.number("LS_ID")
		if c.err != nil {
			x.unread("history", c.err)
			return
		}
		x.r.Recycled = x.r.Recycled || !slices.ContainsFunc(x.r.Streams, func(s Stream) bool { return !s.Meta && s.ID == id })
	}
}

// lastBackup reads the highest backup job, so that an older one is not taken for
// a run's own.
func (x *reader) lastBackup() {
	if x.s.place.Own || x.id == 0 {
		return
	}
	for _, v := range []string{"BACKUP_JOBS", "BACKUP_JOB_HISTORY"} {
		rows, _ := x.rows("backups", "SELECT JOB_ID FROM "+x.view(v)+x.mine(x.id))
		for _, r := range rows {
			c := &columns{r: r}
			x.r.LastBackup = max(x.r.LastBackup, c.number("JOB_ID"))
			if c.err != nil {
				x.unread("backups", c.err)
			}
		}
	}
}
