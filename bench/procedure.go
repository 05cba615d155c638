package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// measureProcedures compares the twelve steps with what people write instead.
func measureProcedures(s *scene, runs int) ([]Row, error) {
	if err := need(s, "ansible-playbook", "ansible-core", "ansible"); err != nil {
		return nil, err
	}
	h := newHooked(s)
	bash, playbook, stop := h.bash(), h.playbook(), h.master()
	defer stop()
	h.walk()
	whole := Row{Name: "12 steps, from the approval on", Unit: "ms"}
	steps := Row{Name: "12 steps, from the first step on", Unit: "ms"}
	var byBash, byAnsible []float64
	for i := range runs {
		w := h.walk()
		whole.Values, steps.Values = append(whole.Values, w.whole), append(steps.Values, w.bare)
		for _, other := range []struct {
			cmd   []string
			times *[]float64
		}{{bash, &byBash}, {playbook, &byAnsible}} {
			h.clean()
			t, err := timed(s.ctx, other.cmd)
			if err != nil {
				return nil, err
			}
			*other.times = append(*other.times, t)
		}
		s.Logf("%d of %d: ours %.0f ms (steps %.0f), bash %.0f, Ansible %.0f", i+1, runs, w.whole, w.bare, byBash[i], byAnsible[i])
	}
	const viaBash = "bash, the same 48 commands through ssh with ControlMaster, connected before"
	const viaAnsible = "ansible-playbook, the same 48 commands as tasks, connected before"
	a, b := whole.beside(viaBash, byBash), steps.beside(viaBash, byBash)
	c := whole.beside(viaAnsible, byAnsible)
	b.Name, c.Name = "12 steps, from the first step on, against bash", "12 steps, from the approval on, against Ansible"
	a.Name += ", against bash"
	return []Row{
		a.aims("faster", a.Ratio < 1), b, c.aims("at most 0.15 x", c.Ratio <= 0.15),
	}, nil
}

func timed(ctx context.Context, argv []string) (float64, error) {
	var output bytes.Buffer
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr = &output, &output
	cmd.Env = append(os.Environ(), "ANSIBLE_HOST_KEY_CHECKING=True", "ANSIBLE_NOCOWS=1", "ANSIBLE_RETRY_FILES_ENABLED=False")
	began := time.Now()
	if err := cmd.Run(); err != nil {
		return 0, fmt.Errorf("%s: %w\n%s", argv[0], err, output.String())
	}
	return ms(time.Since(began)), nil
}

// sshOptions let a program of OpenSSH in, over one kept connection.
func (h *hooked) sshOptions() []string {
	return []string{
		"-i", h.sshd.KeyFile, "-p", fmt.Sprint(h.sshd.Port), "-o", "UserKnownHostsFile=" + h.sshd.KnownHosts, "-o", "BatchMode=yes",
		"-o", "ControlMaster=auto", "-o", "ControlPath=" + filepath.Join(h.sshd.Dir, "control"), "-o", "ControlPersist=600",
	}
}

// master opens the kept connection; stop ends it.
func (h *hooked) master() (stop func()) {
	at := h.login.user + "@127.0.0.1"
	if _, err := timed(h.ctx, append(append([]string{"ssh"}, h.sshOptions()...), at, "true")); err != nil {
		h.Fatal(err)
	}
	return func() {
		_, _ = timed(context.WithoutCancel(h.ctx), append(append([]string{"ssh"}, h.sshOptions()...), "-O", "exit", at))
	}
}

// bash writes the script that people write.
func (h *hooked) bash() []string {
	var b strings.Builder
	fmt.Fprintf(&b, "#!/bin/bash\nremote() { ssh %s %s@127.0.0.1 \"$@\"; }\nset -e\n", strings.Join(h.sshOptions(), " "), h.login.user)
	for i := range stepCount {
		c := h.step(i)
		fmt.Fprintf(&b, "if ! remote %q; then\n\tremote %q || [ $? = 1 ]\n\tremote %q\n\tremote %q\nfi\n", c[0], c[1], c[2], c[3])
	}
	path := filepath.Join(h.TempDir(), "steps.bash")
	if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
		h.Fatal(err)
	}
	return []string{"bash", path}
}

// playbook writes the playbook that people write.
func (h *hooked) playbook() []string {
	dir := h.TempDir()
	var b strings.Builder
	b.WriteString("- hosts: all\n  gather_facts: false\n  tasks:\n")
	for i := range stepCount {
		for n, c := range h.step(i) {
			fmt.Fprintf(&b, "    - ansible.builtin.command: %s\n      changed_when: %t\n", c, n == 2)
			if n < 2 {
				b.WriteString("      failed_when: false\n")
			}
		}
	}
	hosts := fmt.Sprintf("host ansible_host=127.0.0.1 ansible_port=%d ansible_user=%s ansible_ssh_private_key_file=%s ansible_ssh_common_args='-o UserKnownHostsFile=%s' ansible_python_interpreter=/usr/bin/python3\n",
		h.sshd.Port, h.login.user, h.sshd.KeyFile, h.sshd.KnownHosts)
	for name, text := range map[string]string{"steps.yaml": b.String(), "hosts": hosts} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			h.Fatal(err)
		}
	}
	return []string{"ansible-playbook", "-i", filepath.Join(dir, "hosts"), filepath.Join(dir, "steps.yaml")}
}
