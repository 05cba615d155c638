package dr

import (
	"strings"
)

// mdSpecial are the characters that mean something anywhere in a line of
// Markdown. An underscore inside a word means nothing and stays readable;
// parentheses mean nothing without brackets.
const mdSpecial = "\\`*_[]|~$"

// MD makes any text safe as part of one line of Markdown, also in a table:
// no emphasis, code, link, image, HTML, line break or cell can come of it.
// Words that readers turn into links by themselves (URLs, mail addresses)
// become code, which shows them and links nothing.
func MD(s string) string {
	words := strings.Split(CleanLine(s), " ")
	for i, w := range words {
		if linkish(w) {
			words[i] = mdLinkish(w)
		} else {
			words[i] = mdEscape(w)
		}
	}
	line := strings.Join(words, " ")
	if line != "" && strings.ContainsRune("-=:>+#", rune(line[0])) {
		return `\` + line // no list, heading, quote or table rule
	}
	return mdNoList(line)
}

// mdNoList breaks "1. " and "1) " at the beginning of a line.
func mdNoList(line string) string {
	digits := strings.TrimLeft(line, "0123456789")
	if n := len(line) - len(digits); n > 0 && strings.HasPrefix(digits, ".") {
		return line[:n] + `\` + digits
	}
	return line
}

func mdEscape(s string) string {
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == '_' && i > 0 && i < len(s)-1 && wordByte(s[i-1]) && wordByte(s[i+1]):
			b.WriteByte('_')
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r == '&':
			b.WriteString("&amp;")
		case strings.ContainsRune(mdSpecial, r):
			b.WriteByte('\\')
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func wordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// linkish says whether a reader of Markdown may turn the word into a link
// without being asked.
func linkish(w string) bool {
	l := strings.ToLower(w)
	return strings.Contains(l, "://") || strings.Contains(l, "www.") || strings.Contains(l, "@") ||
		strings.Contains(l, "mailto:") || strings.Contains(l, "xmpp:") || strings.Contains(l, "javascript:")
}

// mdLinkish writes a word as code. Back quotes and pipes, which code in a
// table cannot hold, stand escaped between the pieces.
func mdLinkish(w string) string {
	var b strings.Builder
	rest := w
	for rest != "" {
		i := strings.IndexAny(rest, "`|\\")
		piece := rest
		if i >= 0 {
			piece = rest[:i]
		}
		if piece != "" {
			b.WriteString("`" + piece + "`")
		}
		if i < 0 {
			break
		}
		b.WriteString(`\` + rest[i:i+1])
		rest = rest[i+1:]
	}
	return b.String()
}

// MDCode writes a short text as inline code, safe also in a table.
func MDCode(s string) string {
	s = CleanLine(s)
	if s == "" {
		return ""
	}
	if strings.ContainsAny(s, "`|\\") {
		return MD(s)
	}
	return "`" + s + "`"
}

// MDFence writes any text as a fenced code block that it cannot leave: the
// fence is longer than every run of back quotes in it. info names the
// language; only letters and digits of it are used. Control characters are
// shown as escapes.
func MDFence(info, content string) string {
	content = CleanText(content)
	fence := strings.Repeat("`", max(3, longestRun(content, '`')+1))
	info = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, info)
	return fence + info + "\n" + strings.TrimSuffix(content, "\n") + "\n" + fence + "\n"
}

func longestRun(s string, c byte) int {
	longest, run := 0, 0
	for i := 0; i < len(s); i++ {
		if s[i] != c {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return longest
}

// MDTable writes a table. The cells must be Markdown already (MD, MDCode).
func MDTable(head []string, rows [][]string) string {
	var b strings.Builder
	line := func(cells []string) { b.WriteString("| " + strings.Join(cells, " | ") + " |\n") }
	line(head)
	rule := make([]string, len(head))
	for i := range rule {
		rule[i] = "---"
	}
	line(rule)
	for _, r := range rows {
		line(r)
	}
	return b.String()
}
