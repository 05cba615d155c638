package main

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dev/devserver"
)

// root is the repository, seen from this module.
const root = ".."

// pinned is an image reference with a tag that names at least major.minor.
var pinned = regexp.MustCompile(`^[a-z0-9./-]+:v?[0-9]+\.[0-9]+[a-z0-9.-]*$`)

func loadCompose(t *testing.T) *types.Project {
	t.Helper()
	dir, err := filepath.Abs(root)
	require.NoError(t, err)
	// No environment: the file must do with its own defaults.
	options, err := cli.NewProjectOptions([]string{filepath.Join(dir, "docker-compose.yml")},
		cli.WithWorkingDirectory(dir), cli.WithInterpolation(true), cli.WithNormalization(true),
		cli.WithConsistency(true), cli.WithResolvedPaths(true))
	require.NoError(t, err)
	project, err := options.LoadProject(t.Context())
	require.NoError(t, err)
	return project
}

func TestComposeHasEveryPartOfTheStack(t *testing.T) {
	require.ElementsMatch(t, []string{
		"temporal-db", "temporal-schema", "temporal", "temporal-namespace", "temporal-ui", "lab", "worker-a", "worker-b",
	}, loadCompose(t).ServiceNames())
}

func TestComposeImagesArePinnedAndThoseOfTemporalAreTheVersionsTestedHere(t *testing.T) {
	mod := readFile(t, "go.mod")
	version := func(module string) string {
		m := regexp.MustCompile(regexp.QuoteMeta(module) + ` v(\S+)`).FindStringSubmatch(mod)
		require.NotNil(t, m, module)
		return m[1]
	}
	want := map[string]string{
		"temporalio/server":      version("go.temporal.io/server"),
		"temporalio/admin-tools": version("go.temporal.io/server"),
		"temporalio/ui":          version("github.com/temporalio/ui-server/v2"),
	}
	for name, s := range loadCompose(t).Services {
		require.Equalf(t, s.Build == nil, s.Image != "", "%s has either an image or a build", name)
		if s.Image == "" {
			continue
		}
		require.Regexpf(t, pinned, s.Image, "%s", name)
		image, tag, _ := strings.Cut(s.Image, ":")
		if v, ok := want[image]; ok {
			require.Equalf(t, v, tag, "%s", name)
		}
	}
}

func TestComposeBuildsStagesThatExistFromPinnedImagesForAnOrdinaryUser(t *testing.T) {
	for name, s := range loadCompose(t).Services {
		if s.Build == nil {
			continue
		}
		require.DirExists(t, s.Build.Context, name)
		file := readFile(t, filepath.Join(s.Build.Context, s.Build.Dockerfile))
		stage := dockerStages(t, file)[s.Build.Target]
		require.NotEmptyf(t, stage, "%s: the Dockerfile has no stage %q", name, s.Build.Target)
		require.Containsf(t, stage, "USER switchback", "%s runs as an ordinary user", name)
		require.Regexpf(t, `COPY --from=build .*/out/`+regexp.QuoteMeta(s.Command[0])+`\b`, stage, "%s: its program is in its image", name)
		require.Regexpf(t, `go build .*\./`+regexp.QuoteMeta(s.Command[0])+`\b`, dockerStages(t, file)["build"], "%s: its program is built", name)
	}
}

// dockerStages gives the text of each named stage of a Dockerfile, and looks
// at the image that each begins with.
func dockerStages(t *testing.T, file string) map[string]string {
	t.Helper()
	from := regexp.MustCompile(`(?m)^FROM (\S+) AS (\S+)$`)
	places := from.FindAllStringSubmatchIndex(file, -1)
	require.Len(t, places, strings.Count(file, "\nFROM "), "every stage has a name")
	stages := map[string]string{}
	for i, p := range places {
		end := len(file)
		if i+1 < len(places) {
			end = places[i+1][0]
		}
		require.Regexp(t, pinned, file[p[2]:p[3]])
		stages[file[p[4]:p[5]]] = file[p[1]:end]
	}
	return stages
}

func TestComposePublishesEachPortOnceAndOnLoopbackOnly(t *testing.T) {
	taken := map[string]string{}
	for name, s := range loadCompose(t).Services {
		for _, p := range s.Ports {
			require.Emptyf(t, taken[p.Published], "port %s of %s", p.Published, name)
			taken[p.Published] = name
			ip := net.ParseIP(p.HostIP)
			require.Truef(t, ip != nil && ip.IsLoopback(), "%s publishes %s on %q", name, p.Published, p.HostIP)
		}
		if s.NetworkMode != "" {
			require.Emptyf(t, s.Ports, "%s has no ports of its own: it shares the network of another", name)
		}
	}
	require.Equal(t, map[string]string{"7233": "temporal", "8080": "temporal-ui"}, taken)
}

func TestComposeWaitsOnlyForWhatCanCome(t *testing.T) {
	project := loadCompose(t)
	for name, s := range project.Services {
		for on, d := range s.DependsOn {
			target, ok := project.Services[on]
			require.Truef(t, ok, "%s waits for %s, which does not exist", name, on)
			switch d.Condition {
			case types.ServiceConditionHealthy:
				require.NotNilf(t, target.HealthCheck, "%s waits for the health of %s, which nobody checks", name, on)
			case types.ServiceConditionCompletedSuccessfully:
				require.Regexpf(t, `^(no|on-failure.*)$`, target.Restart, "%s waits for the end of %s, which is started again for ever", name, on)
			default:
				require.Failf(t, "condition", "%s waits for %s %s: started is not ready", name, on, d.Condition)
			}
		}
		if shared, ok := strings.CutPrefix(s.NetworkMode, "service:"); ok {
			require.Containsf(t, s.DependsOn, shared, "%s shares the network of %s", name, shared)
		}
	}
	for name := range project.Services {
		require.NotContainsf(t, awaited(project, name, nil), name, "%s waits for itself", name)
	}
}

// awaited lists all that a service waits for, also through others.
func awaited(p *types.Project, name string, seen []string) []string {
	for on := range p.Services[name].DependsOn {
		if !slices.Contains(seen, on) {
			seen = awaited(p, on, append(seen, on))
		}
	}
	return seen
}

func TestComposeMountsFilesOfTheRepositoryForReadingAndNamedVolumes(t *testing.T) {
	project := loadCompose(t)
	deploy, err := filepath.Abs(filepath.Join(root, "deploy"))
	require.NoError(t, err)
	for name, s := range project.Services {
		for _, v := range s.Volumes {
			if v.Type == types.VolumeTypeVolume {
				require.Containsf(t, project.Volumes, v.Source, "%s", name)
				continue
			}
			require.FileExistsf(t, v.Source, "%s", name)
			require.Truef(t, strings.HasPrefix(v.Source, deploy+string(filepath.Separator)), "%s mounts %s", name, v.Source)
			require.Truef(t, v.ReadOnly, "%s may write to %s", name, v.Source)
		}
		for _, word := range append(slices.Clone(s.Entrypoint), s.Command...) {
			if strings.HasPrefix(word, "/deploy/") {
				require.Truef(t, slices.ContainsFunc(s.Volumes, func(v types.ServiceVolumeConfig) bool { return v.Target == word }),
					"%s runs %s, which is not mounted", name, word)
			}
		}
	}
}

func TestComposeScriptsAreShellAndRegisterEverySearchAttribute(t *testing.T) {
	scripts, err := filepath.Glob(filepath.Join(root, "deploy", "temporal", "*.sh"))
	require.NoError(t, err)
	require.Len(t, scripts, 2)
	for _, s := range scripts {
		out, err := exec.Command("sh", "-n", s).CombinedOutput()
		require.NoErrorf(t, err, "%s", out)
	}
	m := regexp.MustCompile(`(?m)^for name in (.*); do$`).FindStringSubmatch(readFile(t, filepath.Join(root, "deploy", "temporal", "namespace.sh")))
	require.NotNil(t, m)
	var want []string
	for name := range devserver.SearchAttributes() {
		want = append(want, name)
	}
	require.ElementsMatch(t, want, strings.Fields(m[1]))
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(text)
}
