package sim

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// backupJob is one run of probkup.
type backupJob struct {
	*proc
	db, device string
	online     bool
	verbose    bool
	estimate   bool
	prepared   bool
	incr       bool
	volume     int // blocks of a volume, 0 for any number
	begun      time.Time
}

// probkup [online] db [incremental] device [options] (manual, PROBKUP utility).
func probkup(p *proc) int {
	p.banner()
	j := &backupJob{proc: p, begun: time.Now()}
	for _, option := range []string{"-bf", "-io", "-red", "-Bp", "-comlevel", "-threadnum", "-thread", "-wbf", "-aiarcinterval"} {
		p.takeValue(option)
	}
	size, _ := p.takeValue("-vs")
	j.volume = number(size, 0)
	arcdir, _ := p.takeValue("-aiarcdir")
	bi, withBI := p.takeValue("bibackup")
	for _, option := range []string{"-com", "-scan", "-norecover", "-aiarcdircreate"} {
		p.take(option)
	}
	j.verbose, j.estimate, j.prepared = p.take("-verbose"), p.take("-estimate"), p.take("-REPLTargetCreation")
	enable, archiver := p.take("enableai"), p.take("enableaiarchiver")
	j.online = len(p.args) > 0 && p.args[0] == "online"
	if j.online {
		p.args = p.args[1:]
	}
	if len(p.args) == 3 && p.args[1] == "incremental" {
		j.incr, p.args = true, []string{p.args[0], p.args[2]}
	}
	if len(p.args) != 2 || strings.HasPrefix(p.args[1], "-") || withBI && bi != "active" && bi != "all" || (enable || archiver) && !j.online {
		return p.fail(msgUsage, "probkup [online] db [incremental] device [options]")
	}
	var err error
	if j.db, err = p.existing(p.args[0]); err == nil {
		if j.device, err = p.path(p.args[1]); err == nil {
			err = j.run(enable, archiver, arcdir)
		}
	}
	if err != nil {
		return p.failed(err)
	}
	return 0
}

func (j *backupJob) run(enable, archiver bool, arcdir string) error {
	if j.online {
		return j.runOnline(enable, archiver, arcdir)
	}
	l, err := takeLock(j.db, j.cfg.Host, modeSingle)
	if err != nil {
		return err
	}
	defer l.release()
	e, err := openEngine(j.db, j.config)
	if err != nil {
		return err
	}
	defer func() { _ = e.close() }()
	s, err := e.snapshot(j.prepared)
	if err != nil {
		return err
	}
	s.Incr = j.incr
	if err := j.write(s); err != nil || j.estimate {
		return err
	}
	return e.backedUp(s)
}

func (j *backupJob) runOnline(enable, archiver bool, arcdir string) error {
	b, err := j.cfg.dialLocal(j.db, "broker")
	if err != nil {
		return err
	}
	defer func() { _ = b.Close() }()
	r, err := b.ask(call{Op: "backup", On: j.prepared})
	if err != nil {
		return err
	}
	s := r.Seed
	s.Online, s.Incr = true, j.incr
	if err := j.write(s); err != nil {
		return err
	}
	if _, err := b.ask(call{Op: "done", On: true}); err != nil {
		return say(msgNoServer, j.db)
	}
	if enable {
		if _, err := j.askBroker(j.db, call{Op: "aibegin"}); err != nil {
			return err
		}
	}
	if archiver {
		_, err = j.askBroker(j.db, call{Op: "archiver", On: true, Text: arcdir})
	}
	return err
}

// write makes the volume and says what the real one says.
func (j *backupJob) write(s *seed) error {
	n := s.total()
	size := int64(n * s.Master.BlockSize)
	media := size + int64(n+1)*chunkHeader
	j.say(msgActiveBlocks, n, n+n/10+7, filepath.Base(j.db))
	j.say(msgBIBlocks, 0)
	j.say(msgBackupNeeds, byteText(media))
	j.say(msgRestoreNeeds, n+n/10+7, byteText(size))
	if j.estimate {
		j.say(msgEstimateDone)
		return nil
	}
	start := msgBackupStarted
	if j.incr {
		start = msgIncrStarted
	}
	for _, t := range []text{start, msgBackupBIBegin, msgBackupBIEnd} {
		lg(j.db, asBackup, 'I', t)
	}
	lg(j.db, asBackup, 'I', msgBackupTo, j.device)
	lg(j.db, asBackup, 'I', msgBackupDBBegin)
	written, err := j.blocks(s)
	if err != nil {
		return err
	}
	lg(j.db, asBackup, 'I', msgBackupDBEnd)
	j.say(msgBackedUp, n, clock(time.Since(j.begun)))
	j.say(msgWrote, (written+34815)/34816, byteText(written))
	fmt.Fprintln(j.out)
	end := msgBackupEnded
	if j.incr {
		end = msgIncrEnded
	}
	lg(j.db, asBackup, 'I', end)
	j.say(msgBackupComplete)
	return nil
}

// blocks copies the blocks of the snapshot, at the lab's pace.
func (j *backupJob) blocks(s *seed) (written int64, err error) {
	f, err := os.OpenFile(j.device, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o644)
	if err != nil {
		return 0, say(msgCannotOpen, j.device, 13)
	}
	defer func() {
		if e := f.Close(); err == nil && e != nil {
			err = e
		}
	}()
	out := &bounded{w: f, free: j.cfg.free(j.device)}
	v, err := newVolume(out, s)
	if err != nil {
		return 0, j.writeFailed(err)
	}
	done, last := 0, time.Now()
	for i, a := range s.Master.area("d") {
		for number := range s.Used[i] {
			if j.volume > 0 && done == j.volume {
				// The lab's backups have one volume: the question is asked, as
				// a terminal would have it, and no answer helps.
				fmt.Fprint(j.out, msgNextVolume.words)
				j.answer()
				return 0, say(msgOneVolume)
			}
			block, err := s.block(a, uint64(number), i == len(s.Used)-1 && number == s.Used[i]-1)
			if err != nil {
				return 0, err
			}
			if err := v.block(a.Number, uint64(number), block); err != nil {
				return 0, j.writeFailed(err)
			}
			done++
			wait(j.config().Pace.slow(j.cfg.Pace.Backup) / time.Duration(s.total()))
			if j.verbose && time.Since(last) > 10*time.Duration(j.cfg.Pace.Second)*time.Millisecond {
				last = time.Now()
				j.say(msgBackupProgress, done, s.total(), clock(time.Since(j.begun)))
			}
		}
	}
	if err := v.end(); err != nil {
		return 0, j.writeFailed(err)
	}
	return out.written, nil
}

// block reads a block of the snapshot: records that came later are left out.
func (s *seed) block(a area, number uint64, last bool) ([]byte, error) {
	b, ok, err := s.Master.file(a).read(number)
	for again := 0; err != nil && again < 5; again++ {
		// The broker may be writing the very block.
		time.Sleep(time.Millisecond)
		b, ok, err = s.Master.file(a).read(number)
	}
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, say(msgWrongBlock, 0, number, a.Number)
	}
	if !last || s.Tail == 0 {
		return b, nil
	}
	records, _, err := readBlock(b, a.Number, number)
	if err != nil {
		return nil, err
	}
	return makeBlock(s.Master.BlockSize, a.Number, number, records[:min(s.Tail, len(records))]), nil
}

func (j *backupJob) writeFailed(err error) error {
	lg(j.db, asBackup, 'F', msgDiskFull, j.device)
	return say(msgDiskFull, j.device+": "+err.Error())
}

// bounded is a file on a disk with so many free bytes; negative: any number.
type bounded struct {
	w       io.Writer
	free    int64
	written int64
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.free >= 0 && b.written+int64(len(p)) > b.free {
		n, _ := b.w.Write(p[:max(0, b.free-b.written)])
		b.written += int64(n)
		return n, fmt.Errorf("No space left on device, errno 28") //nolint:staticcheck // the system's own words
	}
	n, err := b.w.Write(p)
	b.written += int64(n)
	return n, err
}

// free gives the free bytes where a file is, -1 for any number.
func (c Config) free(path string) int64 {
	for dir, bytes := range c.Disks {
		if within(dir, path) {
			return bytes
		}
	}
	return -1
}

func clock(d time.Duration) string {
	s := int(d.Seconds())
	return fmt.Sprintf("%02d:%02d:%02d", s/3600, s/60%60, s%60)
}

// byteText is a size as OpenEdge 12 prints it.
func byteText(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GBytes", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MBytes", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%.1f KBytes", float64(n)/(1<<10))
}
