package vras

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/lab/vvr/kernel"
	"github.com/switchback-dr/switchback/lab/vvr/texts"
)

// chunk is how many blocks are compared with one question.
const chunk = 8

// reportEvery is the time between two lines of progress.
const reportEvery = 100 * time.Millisecond

// syncing is one run of vxrsync.
type syncing struct {
	*run
	source  asker
	view    kernel.View
	stream  string
	hosts   []string
	targets map[string]asker
	began   time.Time
	// compared counts blocks of all volumes, for the fault switch that stops
	// at the Nth; copied those that were sent to some target.
	compared, copied int
	differ           map[string]int
	reported         time.Time
}

// syncrvg makes the volumes of Secondaries equal to the Primary's, by the
// difference of checksums, or whole, or only compares.
func (r *run) syncrvg(v kernel.View) (err error) {
	if r.has("-verify") && (r.has("-full") || r.has("-c")) {
		return texts.Refuse("usage", "-verify goes with neither -full nor -c")
	}
	if v.Role != kernel.Primary || v.Acting {
		return texts.Refuse("not-primary", v.RVG, r.config.Host)
	}
	if r.has("-verify") && !r.confirmed("Verification reads all volumes of the Secondary. Continue?") {
		return texts.Refuse("prompt-refused")
	}
	s := &syncing{run: r, view: v, hosts: r.rest, targets: map[string]asker{}, began: time.Now(), differ: map[string]int{}}
	s.stream = fmt.Sprintf("%s-%d", r.config.Host, s.began.UnixNano())
	defer s.close()
	if err := s.connect(); err != nil {
		return err
	}
	if r.has("-c") {
		if err := s.askSource("checkstart", kernel.Check{Name: r.checkpoint}, nil); err != nil {
			return err
		}
	}
	if err := s.volumes(); err != nil {
		return err
	}
	if r.has("-c") {
		if err := s.checkEnd(); err != nil {
			return err
		}
	}
	return s.finish()
}

// connect looks at every target before anything is changed.
func (s *syncing) connect() (err error) {
	if s.source, err = s.kernelOf(s.config.Host); err != nil {
		return err
	}
	for _, h := range s.hosts {
		_, l := s.view.End(h)
		if l == nil {
			return texts.Refuse("unknown-host", h, s.view.RVG)
		}
		if s.has("-verify") {
			if l.Attached && !l.PrimaryPaused && !l.SecondaryPaused {
				return texts.Refuse("verify-running", h)
			}
		} else if l.Attached {
			return texts.Refuse("sync-attached", "/dev/vx/rdsk/"+s.view.DG+"/"+s.view.Volumes[0].Name)
		}
		target, err := s.kernelOf(h)
		if err != nil {
			return err
		}
		s.targets[h] = target
		for _, v := range s.view.Volumes {
			if s.has("-verify") {
				break
			}
			ask := kernel.Store{Stream: s.stream, Source: s.config.Host, Volume: v.Name, Size: v.Size}
			if err := lost(h, target.Ask("store", ask, nil, askPatience)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *syncing) close() {
	if s.source != nil {
		s.source.Close()
	}
	for _, t := range s.targets {
		// A target that is out of reach gives the stream up by itself.
		_ = t.Ask("release", kernel.Store{Stream: s.stream}, nil, dialPatience)
		t.Close()
	}
}

func (s *syncing) askSource(op string, args, result any) error {
	return lost(s.config.Host, s.source.Ask(op, args, result, askPatience))
}

// checkEnd ends the checkpoint. One that overflowed meanwhile makes the whole
// synchronisation worthless.
func (s *syncing) checkEnd() error {
	var c kernel.Checkpoint
	if err := s.askSource("checkend", nil, &c); err != nil {
		return err
	}
	if c.Overflowed {
		return texts.Refuse("sync-cp-over", s.checkpoint)
	}
	return nil
}

// volumes goes through all data volumes, one after the other.
func (s *syncing) volumes() error {
	s.heading()
	for _, v := range s.view.Volumes {
		for n := 0; n < s.blocks(v); n += chunk {
			if err := s.chunk(v, n); err != nil {
				return err
			}
			if time.Since(s.reported) >= reportEvery {
				s.progress(v, n+chunk)
			}
		}
		s.progress(v, s.blocks(v))
	}
	return nil
}

func (s *syncing) blocks(v kernel.Volume) int {
	return int((v.Size + int64(s.view.Block) - 1) / int64(s.view.Block))
}

// chunk compares, and copies, some blocks to every target.
func (s *syncing) chunk(v kernel.Volume, from int) error {
	if s.cancelled() {
		return texts.Refuse("sync-cancelled")
	}
	r := kernel.Range{Volume: v.Name, From: from, Count: chunk}
	var ours []string
	if err := s.askSource("sums", r, &ours); err != nil {
		return err
	}
	for range ours {
		s.obey()
		s.compared++
	}
	pace := s.config.Pace
	if ms, slow := kernel.Knob(s.root, "slow-sync"); slow {
		pace = time.Duration(ms) * time.Millisecond
	}
	select {
	case <-s.gone:
		return texts.Refuse("sync-cancelled")
	case <-time.After(time.Duration(len(ours)) * pace):
	}
	for _, h := range s.hosts {
		if err := s.copyTo(h, v, r, ours); err != nil {
			return err
		}
	}
	return nil
}

// copyTo sends one target the blocks that differ.
func (s *syncing) copyTo(host string, v kernel.Volume, r kernel.Range, ours []string) error {
	var theirs []string
	if err := lost(host, s.targets[host].Ask("sums", r, &theirs, askPatience)); err != nil {
		return err
	}
	if !s.heard(host) {
		return texts.Refuse("lost", host)
	}
	for i := range ours {
		same := i < len(theirs) && ours[i] == theirs[i]
		if same && !s.has("-full") {
			continue
		}
		if !same {
			s.differ[host+" "+v.Name]++
		}
		if s.has("-verify") {
			continue
		}
		var data []byte
		if err := s.askSource("fetch", kernel.Range{Volume: v.Name, From: r.From + i}, &data); err != nil {
			return err
		}
		b := kernel.Store{Stream: s.stream, Source: s.config.Host, Volume: v.Name, Number: r.From + i, Data: data}
		if err := lost(host, s.targets[host].Ask("store", b, nil, askPatience)); err != nil {
			return err
		}
		s.copied++
	}
	return nil
}

// heard says whether the two kernels still reach each other: a link that is cut
// on the way back does not end the connection by itself.
func (s *syncing) heard(host string) bool {
	v, err := s.viewOf(s.config.Host)
	e, _ := v.End(host)
	return err == nil && e.Heard
}

func (s *syncing) heading() {
	begin := "sync-begin"
	if s.has("-verify") {
		begin = "verify-begin"
	}
	total := int64(0)
	for _, v := range s.view.Volumes {
		total += v.Size
	}
	s.println("Message from Primary:")
	s.println(texts.Line("vxrsync", begin))
	s.println(texts.Line("vxrsync", "sync-source", s.config.Host))
	s.println(texts.Line("vxrsync", "sync-hosts", strings.Join(s.hosts, " ")))
	s.println(texts.Line("vxrsync", "sync-volumes", len(s.view.Volumes)))
	s.println(texts.Line("vxrsync", "sync-size", human(total)))
	s.println("")
	s.println("Eps_time Dest_host        Src_vol      Dest_vol     F'shed/Tot_sz  Diff  Done")
}

// progress prints one line for each target.
func (s *syncing) progress(v kernel.Volume, done int) {
	s.reported = time.Now()
	total := s.blocks(v)
	done = min(done, total)
	for _, h := range s.hosts {
		d := s.differ[h+" "+v.Name]
		shed := fmt.Sprintf("%s/%s", short(min(int64(done)*int64(s.view.Block), v.Size)), short(v.Size))
		s.println(fmt.Sprintf("%s %-16s %-12s %-12s %13s %4d%% %4d%%", s.elapsed("%02d:%02d:%02d"), h, v.Name, v.Name, shed, d*100/total, done*100/total))
	}
}

func (s *syncing) elapsed(format string) string {
	t := int(time.Since(s.began).Seconds())
	return fmt.Sprintf(format, t/3600, t/60%60, t%60)
}

// finish prints the end, and what a verification found.
func (s *syncing) finish() error {
	found := 0
	for _, n := range s.differ {
		found += n
	}
	if s.has("-verify") {
		key := "verify-same"
		if found > 0 {
			key = "verify-differ"
		}
		s.println(texts.Line("vxrsync", key))
	}
	s.record()
	s.println(texts.Line("vxrsync", "sync-end"))
	s.println(texts.Line("vxrsync", "sync-time", s.elapsed("%d:%02d:%02d")))
	if s.has("-verify") && found > 0 {
		return exitCode(s.config.VerifyExit)
	}
	return nil
}

// Log is where vxrsync writes one line for each synchronisation that ended.
const Log = "var/vx/vras/log/vxrsync"

// record writes down how many blocks were compared and copied.
func (s *syncing) record() {
	f, err := os.OpenFile(filepath.Join(s.root, Log), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return
	}
	_, _ = fmt.Fprintf(f, "%s: %d blocks compared, %d copied\n", strings.Join(s.hosts, " "), s.compared, s.copied)
	_ = f.Close()
}

// short is a size as in the lines of progress.
func short(n int64) string {
	if n%(1<<20) == 0 {
		return fmt.Sprintf("%dM", n>>20)
	}
	return fmt.Sprintf("%dK", n>>10)
}

// human is a size with a unit, as vradmin prints it.
func human(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.3f G", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.3f M", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%.3f K", float64(n)/(1<<10))
}
