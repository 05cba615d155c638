package openedge

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/switchback-dr/switchback/dr"
)

// area is one storage area, as a backup needs it.
type area struct {
	Name   string
	Number int64
	// Size is in database blocks of the records per block.
	Size, Records, Cluster int64
}

var (
	listName = regexp.MustCompile(`^\s*Area Name:\s*(.{1,60}?)\s*$`)
	listSize = regexp.MustCompile(`^\s*Size:\s*(\d{1,15}),\s*Records/Block:\s*(\d{1,6}),\s*Area Number:\s*(\d{1,6}),\s*Cluster Size:\s*(\d{1,6})\s*$`)
)

// parseAreas reads prorest -list. Manual: "Obtain storage area descriptions
// using PROREST".
func parseAreas(lines []string) ([]area, error) {
	var out []area
	name := ""
	for _, l := range lines {
		if m := listName.FindStringSubmatch(l); m != nil {
			name = m[1]
			continue
		}
		m := listSize.FindStringSubmatch(l)
		if m == nil {
			continue
		}
		if name == "" {
			return nil, fmt.Errorf("an area has no name")
		}
		out = append(out, area{Name: name, Size: leadingNumber(m[1]), Records: leadingNumber(m[2]), Number: leadingNumber(m[3]), Cluster: leadingNumber(m[4])})
		name = ""
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("the backup lists no area")
	}
	return out, nil
}

// extentFile is one line of a structure file.
type extentFile struct {
	Type string
	Area string
	// Number and Records are 0 for before- and after-image extents.
	Number, Records int64
	Path            string
	// SizeKB is 0 for a variable extent.
	SizeKB int64
}

var structureLine = regexp.MustCompile(`^([bdat])\s+(?:"([^"]{1,60})"(?::(\d{1,6}))?(?:,(\d{1,6}))?(?:;(\d{1,6}))?\s+)?(\S{1,250})(?:\s+([fFvV])(?:\s+(\d{1,15}))?)?\s*$`)

// parseStructure reads a structure file: one extent a line, comments with #.
func parseStructure(lines []string) ([]extentFile, error) {
	var out []extentFile
	for i, l := range lines {
		l = strings.TrimSpace(l)
		if l == "" || strings.HasPrefix(l, "#") || strings.HasPrefix(l, "*") {
			continue
		}
		m := structureLine.FindStringSubmatch(l)
		if m == nil {
			return nil, fmt.Errorf("line %d of the structure file was not recognised: %q", i+1, dr.Clip(l, 80))
		}
		e := extentFile{Type: m[1], Area: m[2], Number: leadingNumber(m[3]), Records: leadingNumber(m[4]), Path: m[6]}
		if strings.EqualFold(m[7], "f") {
			n, err := strconv.ParseInt(m[8], 10, 64)
			if err != nil || n <= 0 {
				return nil, fmt.Errorf("line %d of the structure file has a fixed extent without a size", i+1)
			}
			e.SizeKB = n
		}
		out = append(out, e)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("the structure file is empty")
	}
	return out, nil
}

// needKB is the room that an area takes: Size / records per block * block size
// in kB (knowledge base 000011518).
func (a area) needKB(blockKB int64) int64 {
	if a.Records <= 0 {
		return a.Size * blockKB
	}
	return (a.Size + a.Records - 1) / a.Records * blockKB
}

// misfit says in one sentence why a backup's areas do not fit the structure
// file of the database that they will replace; "" when they fit. Without a
// structure file prorest makes a variable extent for each area.
func misfit(areas []area, st []extentFile, blockKB int64) string {
	for _, a := range areas {
		var mine []extentFile
		for _, e := range st {
			if e.Type == "d" && e.Area == a.Name {
				mine = append(mine, e)
			}
		}
		if len(mine) == 0 {
			return fmt.Sprintf("the structure file has no area %q", dr.Clip(a.Name, 60))
		}
		have, open := int64(0), false
		for _, e := range mine {
			if e.Number != 0 && e.Number != a.Number {
				return fmt.Sprintf("the area %q has the number %d in the structure file and %d in the backup", a.Name, e.Number, a.Number)
			}
			if e.Records != 0 && a.Records != 0 && e.Records != a.Records {
				return fmt.Sprintf("the area %q has %d records per block in the structure file and %d in the backup", a.Name, e.Records, a.Records)
			}
			have += e.SizeKB
			open = open || e.SizeKB == 0
		}
		if need := a.needKB(blockKB); !open && have < need {
			return fmt.Sprintf("the extents of the area %q hold %s, the backup needs %s", a.Name, dr.ByteText(have*1024), dr.ByteText(need*1024))
		}
	}
	return ""
}

// totalKB is what all areas of a backup take.
func totalKB(areas []area, blockKB int64) int64 {
	n := int64(0)
	for _, a := range areas {
		n += a.needKB(blockKB)
	}
	return n
}
