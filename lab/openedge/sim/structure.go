package sim

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// stLine is a line of a structure file:
//
//	type "area name":number,records per block;cluster path [f size in KB]
var stLine = regexp.MustCompile(`^([bdat])(?:\s+"([^"]+)"(?::(\d+))?(?:,(\d+))?(?:;(\d+))?)?\s+(\S+)(?:\s+f\s+(\d+)|\s+v(?:\s+\d+)?)?$`)

// Numbers of areas that a structure file may leave out.
const (
	biArea     = 3
	schemaArea = 6
	firstAI    = 10
)

// parseStructure reads the areas of a structure file. Paths are relative to
// the directory of the database.
func parseStructure(text, db string) ([]area, error) {
	var all []area
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") || strings.HasPrefix(line, ":") {
			continue
		}
		m := stLine.FindStringSubmatch(line)
		if m == nil {
			return nil, say(msgBadStructure, i+1, line)
		}
		path := m[6]
		if !filepath.IsAbs(path) {
			path = filepath.Join(filepath.Dir(db), path)
		}
		x := extent{Path: filepath.Clean(path), SizeKB: number(m[7], 0)}
		a := area{Kind: m[1], Name: m[2], Number: number(m[3], 0), PerRec: number(m[4], 64), Cluster: number(m[5], 1)}
		all = addExtent(all, a, x)
	}
	return all, nil
}

func number(s string, def int) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return def
	}
	return n
}

// addExtent adds an extent to its area, or begins one.
func addExtent(all []area, a area, x extent) []area {
	switch a.Kind {
	case "b":
		a.Name, a.Number = "Primary Recovery Area", biArea
	case "a":
		n := 1
		for _, o := range all {
			if o.Kind == "a" {
				n++
			}
		}
		a.Name, a.Number = fmt.Sprintf("After Image Area %d", n), firstAI+n-1
		for slices.ContainsFunc(all, func(o area) bool { return o.Number == a.Number }) {
			a.Number += 10
		}
	case "d":
		if a.Name == "" {
			a.Name = "Schema Area"
		}
		if a.Number == 0 {
			a.Number = schemaArea
		}
	}
	if i := slices.IndexFunc(all, func(o area) bool { return o.Number == a.Number && o.Kind == a.Kind }); i >= 0 && a.Kind != "a" {
		all[i].Extents = append(all[i].Extents, x)
		return all
	}
	a.Extents = []extent{x}
	return append(all, a)
}

// structureText writes a structure file, as prostrct list does.
func structureText(areas []area) string {
	var b strings.Builder
	for _, kind := range []string{"b", "d", "a", "t"} {
		for _, a := range areas {
			if a.Kind != kind {
				continue
			}
			b.WriteString("#\n")
			for _, x := range a.Extents {
				name := ""
				if kind == "d" {
					name = fmt.Sprintf(" %q:%d,%d;%d", a.Name, a.Number, a.PerRec, a.Cluster)
				}
				size := ""
				if x.SizeKB > 0 {
					size = fmt.Sprintf(" f %d", x.SizeKB)
				}
				fmt.Fprintf(&b, "%s%s %s%s\n", kind, name, x.Path, size)
			}
		}
	}
	return b.String()
}

// prostrct list|create|add (manual, PROSTRCT utility).
func prostrct(p *proc) int {
	p.banner()
	blockSize, sized := p.takeValue("-blocksize")
	if len(p.args) < 2 {
		return p.fail(msgUsage, "prostrct list|create|add db [structure file] [-blocksize n]")
	}
	db, err := p.database(p.args[1])
	if err != nil {
		return p.failed(err)
	}
	st := db + ".st"
	if len(p.args) > 2 {
		if st, err = p.path(p.args[2]); err != nil {
			return p.failed(err)
		}
	}
	switch p.args[0] {
	case "list":
		err = p.structList(db, st)
	case "create":
		size := 4096
		if sized {
			size = number(blockSize, 0)
		}
		err = p.structCreate(db, st, size)
	case "add", "addonline":
		err = p.structAdd(db, st)
	default:
		err = say(msgUsage, "prostrct list|create|add db [structure file] [-blocksize n]")
	}
	if err != nil {
		return p.failed(err)
	}
	return 0
}

func (p *proc) structList(db, st string) error {
	if _, err := p.existing(db); err != nil {
		return err
	}
	m, err := readMaster(db)
	if err != nil {
		return err
	}
	if m.State == stateTorn {
		return m.usable(db)
	}
	for _, a := range m.Areas {
		kind := map[string]int{"b": 3, "d": 6, "a": 7, "t": 4}[a.Kind]
		fmt.Fprintf(p.out, "Area Name: %s, Type %d, Block Size %d, Extents %d, Records/Block %d, Cluster Size %d\n",
			a.Name, kind, m.BlockSize, len(a.Extents), a.PerRec, a.Cluster)
		for i, x := range a.Extents {
			word := "VARIABLE"
			if x.SizeKB > 0 {
				word = "FIXED"
			}
			size := int64(x.SizeKB)
			if s, err := os.Stat(x.Path); err == nil && size == 0 {
				size = s.Size() / 1024
			}
			fmt.Fprintf(p.out, "   Ext # %d, Type %s, Size %d KByte, Name: %s\n", i+1, word, size, x.Path)
		}
	}
	if err := replaceFile(st, []byte(structureText(m.Areas))); err != nil {
		return say(msgCannotOpen, st, 13)
	}
	return nil
}

// checkPlaces refuses extents on paths that this host does not have.
func (p *proc) checkPlaces(areas []area) error {
	for _, a := range areas {
		for _, x := range a.Extents {
			if !p.ours(x.Path) {
				return say(msgCannotCreate, x.Path, 2)
			}
			if s, err := os.Stat(filepath.Dir(x.Path)); err != nil || !s.IsDir() {
				return say(msgCannotCreate, x.Path, 2)
			}
		}
	}
	return nil
}

func (p *proc) readStructure(db, st string) ([]area, error) {
	b, err := os.ReadFile(st)
	if err != nil {
		return nil, say(msgCannotOpen, st, 2)
	}
	areas, err := parseStructure(string(b), db)
	if err != nil {
		return nil, err
	}
	return areas, p.checkPlaces(areas)
}

// structCreate makes a void database: files without content.
func (p *proc) structCreate(db, st string, blockSize int) error {
	if _, err := os.Stat(db + ".db"); err == nil {
		return say(msgExistsAlready, db)
	}
	if !slices.Contains([]int{1024, 2048, 4096, 8192}, blockSize) {
		return say(msgUsage, "prostrct create db structure-file -blocksize 1024|2048|4096|8192")
	}
	areas, err := p.readStructure(db, st)
	if err != nil {
		return err
	}
	m := &master{Release: p.cfg.Release, BlockSize: blockSize, State: stateVoid, Areas: areas}
	m.syncAI()
	for _, a := range areas {
		if err := m.file(a).create(); err != nil {
			return err
		}
	}
	return m.write(db)
}

// structAdd adds the areas of a file to a database that is not in use.
func (p *proc) structAdd(db, st string) error {
	if _, err := p.existing(db); err != nil {
		return err
	}
	l, err := takeLock(db, p.cfg.Host, modeSingle)
	if err != nil {
		return err
	}
	defer l.release()
	m, err := readMaster(db)
	if err != nil {
		return err
	}
	return p.addAreas(db, st, m)
}

func (p *proc) addAreas(db, st string, m *master) error {
	added, err := p.readStructure(db, st)
	if err != nil {
		return err
	}
	for _, a := range added {
		for _, x := range a.Extents {
			if slices.ContainsFunc(m.Areas, func(o area) bool {
				return slices.ContainsFunc(o.Extents, func(y extent) bool { return y.Path == x.Path })
			}) {
				return say(msgExistsAlready, x.Path)
			}
			if err := (areaFile{area: a}).create(); err != nil {
				return err
			}
			m.Areas = addExtent(m.Areas, a, x)
		}
	}
	m.syncAI()
	return m.write(db)
}
