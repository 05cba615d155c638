package instance

import (
	"os"
	"path/filepath"
	"strings"
)

// Ini is the text of an ini file: sections with keys. Comments and order stay.
type Ini struct{ lines []string }

// ReadIni reads a file; one that is missing is empty.
func ReadIni(path string) (Ini, error) {
	b, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return Ini{}, nil
	}
	if err != nil {
		return Ini{}, err
	}
	return ParseIni(string(b)), nil
}

// ParseIni takes an ini file's text.
func ParseIni(text string) Ini {
	text = strings.TrimSuffix(text, "\n")
	if text == "" {
		return Ini{}
	}
	return Ini{lines: strings.Split(text, "\n")}
}

// String is the file's text.
func (f Ini) String() string {
	if len(f.lines) == 0 {
		return ""
	}
	return strings.Join(f.lines, "\n") + "\n"
}

func header(line string) (string, bool) {
	line = strings.TrimSpace(line)
	if strings.HasPrefix(line, "[") && strings.HasSuffix(line, "]") {
		return line[1 : len(line)-1], true
	}
	return "", false
}

func entry(line string) (key, value string, ok bool) {
	if t := strings.TrimSpace(line); t == "" || t[0] == '#' || t[0] == ';' {
		return "", "", false
	}
	key, value, ok = strings.Cut(line, "=")
	return strings.TrimSpace(key), strings.TrimSpace(value), ok
}

// span gives the lines of a section: its header, and the first line behind it.
func (f Ini) span(section string) (from, to int) {
	from = -1
	for i, line := range f.lines {
		if name, is := header(line); is {
			if from >= 0 {
				return from, i
			}
			if name == section {
				from = i
			}
		}
	}
	return from, len(f.lines)
}

// Get gives a key's value, "" when it is not there.
func (f Ini) Get(section, key string) string { return f.Section(section)[key] }

// Section gives a section's keys and values.
func (f Ini) Section(section string) map[string]string {
	all := map[string]string{}
	from, to := f.span(section)
	if from < 0 {
		return all
	}
	for _, line := range f.lines[from+1 : to] {
		if k, v, ok := entry(line); ok {
			all[k] = v
		}
	}
	return all
}

// Set gives a key a value; "" removes it.
func (f *Ini) Set(section, key, value string) {
	from, to := f.span(section)
	line := key + " = " + value
	if from < 0 {
		if value != "" {
			if len(f.lines) > 0 {
				f.lines = append(f.lines, "")
			}
			f.lines = append(f.lines, "["+section+"]", line)
		}
		return
	}
	for i := from + 1; i < to; i++ {
		if k, _, ok := entry(f.lines[i]); ok && k == key {
			rest := append([]string{}, f.lines[i+1:]...)
			if value != "" {
				rest = append([]string{line}, rest...)
			}
			f.lines = append(f.lines[:i:i], rest...)
			return
		}
	}
	if value == "" {
		return
	}
	for to > from+1 && strings.TrimSpace(f.lines[to-1]) == "" {
		to--
	}
	f.lines = append(f.lines[:to:to], append([]string{line}, f.lines[to:]...)...)
}

// Clear removes all keys of a section.
func (f *Ini) Clear(section string) {
	for key := range f.Section(section) {
		f.Set(section, key, "")
	}
}

// replace writes a file in one step, so that a crash leaves the old or the new.
func replace(path string, b []byte, mode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path))
	if err != nil {
		return err
	}
	_, err = file.Write(b)
	if err == nil {
		err = file.Sync()
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Chmod(file.Name(), mode)
	}
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		_ = os.Remove(file.Name())
	}
	return err
}

// Sections lists the names of the file's sections.
func (f Ini) Sections() []string {
	var all []string
	for _, line := range f.lines {
		if name, is := header(line); is {
			all = append(all, name)
		}
	}
	return all
}
