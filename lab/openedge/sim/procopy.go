package sim

import (
	"fmt"
	"os"
	"time"
)

// schemaBlocks is how many blocks an empty database's schema area has.
const schemaBlocks = 40

// procopy fills a void database with the empty one of the installation: a
// schema and no records (manual, PROCOPY utility). The source is always that.
func procopy(p *proc) int {
	p.banner()
	if len(p.args) != 2 {
		return p.fail(msgUsage, "procopy $DLC/empty db")
	}
	db, err := p.existing(p.args[1])
	if err == nil {
		err = p.fillSchema(db)
	}
	if err != nil {
		return p.failed(err)
	}
	return 0
}

func (p *proc) fillSchema(db string) error {
	l, err := takeLock(db, p.cfg.Host, modeSingle)
	if err != nil {
		return err
	}
	defer l.release()
	m, err := readMaster(db)
	if err != nil {
		return err
	}
	if m.State != stateVoid {
		return say(msgExistsAlready, db)
	}
	a := m.schema()
	if a.Number == m.data().Number {
		return say(msgAreaMissing, 7, "records")
	}
	var records []note
	for i := range perBlock(m, a) {
		records = append(records, note{Kind: kindFiller, Number: int64(i)})
	}
	for number := range uint64(schemaBlocks) {
		if err := m.file(a).write(number, makeBlock(m.BlockSize, a.Number, number, records)); err != nil {
			return err
		}
	}
	if err := os.WriteFile(m.bi(), make([]byte, HeaderSize), 0o644); err != nil {
		return say(msgCannotCreate, m.bi(), 13)
	}
	m.State, m.Created, m.Lineage = stateGood, time.Now(), []line{{newHistory(), 0}}
	if err := m.write(db); err != nil {
		return err
	}
	fmt.Fprintf(p.out, "Database %s was filled.\n", db)
	return nil
}
