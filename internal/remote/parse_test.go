package remote

import (
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/adapters/kit"
)

func TestAFrameIsWhatStandsBetweenTheMarks(t *testing.T) {
	const stream = "banner\nBEGIN 12 34\nline\nno newlineEND 3\nBEGIN 13 34\nEND 0\n"
	for _, r := range []io.Reader{strings.NewReader(stream), iotest.OneByteReader(strings.NewReader(stream))} {
		f := &frameReader{r: r}
		fr, err := f.next("BEGIN", "END", 100)
		require.NoError(t, err)
		require.Equal(t, "line\nno newline", string(fr.body))
		require.Equal(t, "banner\n", string(fr.noise))
		require.Equal(t, []string{" 12 34", " 3"}, []string{fr.head, fr.tail})
		fr, err = f.next("BEGIN", "END", 100)
		require.NoError(t, err)
		require.Empty(t, fr.body)
		require.Empty(t, fr.noise)
	}
}

func TestAFrameWithoutItsEndIsAnError(t *testing.T) {
	for _, stream := range []string{"", "noise", "BEGIN", "BEGIN 1\nhealthy", "BEGIN 1\nhealthyEND", "BEGIN 1\nhealthyEND 0"} {
		_, err := (&frameReader{r: strings.NewReader(stream)}).next("BEGIN", "END", 100)
		require.ErrorIs(t, err, io.EOF, stream)
	}
}

func FuzzFrame(f *testing.F) {
	f.Add("noise", "body", 3)
	f.Add("BEGI", "EN", 100)
	f.Fuzz(func(t *testing.T, noise, body string, limit int) {
		if limit < 0 || limit > 1<<16 || strings.Contains(noise+"BEGIN", "BEGIN") && strings.Index(noise+"BEGIN", "BEGIN") != len(noise) || strings.Index(body+"END", "END") != len(body) {
			return
		}
		fr, err := (&frameReader{r: iotest.HalfReader(strings.NewReader(noise + "BEGIN 1\n" + body + "END 0\n"))}).next("BEGIN", "END", limit)
		require.NoError(t, err)
		require.Equal(t, body[:min(limit, len(body))], string(fr.body))
		require.Equal(t, len(body) > limit, fr.truncated)
	})
}

const goodReport = "verdict started\nstate finished\nexit 3\ndir /j/x\ntext \ncredential a\noutput\ntail\n"

func TestAReportIsReadStrictly(t *testing.T) {
	r, err := parseReport([]byte(goodReport))
	require.NoError(t, err)
	require.Equal(t, kit.Job{State: kit.JobFinished, Exit: 3, Dir: "/j/x", Stdout: "tail\n", Started: true}, r.job)
	require.Equal(t, []string{"a"}, r.credentials)
	for _, change := range [][2]string{
		{"started", "perhaps"},
		{"finished", "fine"},
		{"exit 3", "exit x"},
		{"exit 3", "exit -1"},
		{"dir ", "folder "},
		{"output", "put"},
		{"text \n", ""},
		{"verdict ", ""},
	} {
		_, err := parseReport([]byte(strings.Replace(goodReport, change[0], change[1], 1)))
		require.Error(t, err, change)
	}
}

func FuzzReport(f *testing.F) {
	f.Add(goodReport)
	f.Fuzz(func(t *testing.T, body string) {
		r, err := parseReport([]byte(body))
		if err == nil {
			require.True(t, strings.HasSuffix(body, "output\n"+r.job.Stdout))
			require.Equal(t, r.verdict == "started", r.job.Started)
		}
	})
}

func TestAJobListWithoutItsEndIsRefused(t *testing.T) {
	jobs, err := parseJobList("db1", "running\t/j/a\t\nlost\t/j/b\twhy\nend\n")
	require.NoError(t, err)
	require.Len(t, jobs, 2)
	for _, body := range []string{"", "running\t/j/a\t\n", "fine\t/j/a\t\nend\n", "running\t/j/a\nend\n"} {
		_, err := parseJobList("db1", body)
		require.Error(t, err, body)
	}
}

func TestSecretsAreTakenOutEvenWhereATextIsCut(t *testing.T) {
	var r redactor
	r.learn("")
	r.learn("hunter2")
	r.learn("hunter2-and-more")
	require.Equal(t, "a *** b *** c", r.clean("a hunter2 b hunter2-and-more c", false, false))
	require.Equal(t, "x ***", r.clean("x hunte", false, true))
	require.Equal(t, "*** x", r.clean("nter2 x", true, false))
	require.Equal(t, "nter2 x hunte", r.clean("nter2 x hunte", false, false))
}

func TestAnEndpointThatCouldCarryShellIsRefused(t *testing.T) {
	good := Endpoint{Name: "db1", Address: "10.0.0.1", User: "postgres"}
	ep, err := good.check()
	require.NoError(t, err)
	require.Equal(t, 22, ep.Port)
	require.Equal(t, DefaultJobDir, ep.JobDir)
	for _, change := range []func(*Endpoint){
		func(e *Endpoint) { e.Name = "DB 1" },
		func(e *Endpoint) { e.Address = "-oProxyCommand=id" },
		func(e *Endpoint) { e.Port = 70000 },
		func(e *Endpoint) { e.User = "" },
		func(e *Endpoint) { e.JobDir = "jobs" },
		func(e *Endpoint) { e.JobDir = "/var/../etc" },
		func(e *Endpoint) { e.JobDir = "~other/jobs" },
		func(e *Endpoint) { e.JobDir = "/var/$(id)" },
	} {
		bad := good
		change(&bad)
		_, err := bad.check()
		require.Error(t, err, "%+v", bad)
	}
}
