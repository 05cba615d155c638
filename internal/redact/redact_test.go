package redact_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand"
	"net/url"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/redact"
)

func TestAKnownSecretIsCutOutInEveryWrittenForm(t *testing.T) {
	const secret = `hunt'er "2" & söns/\`
	r := redact.New(secret)
	quoted, err := json.Marshal(secret)
	require.NoError(t, err)
	for _, form := range []string{
		secret, url.QueryEscape(secret), url.PathEscape(secret), string(quoted), dr.Quote(secret), "'" + strings.ReplaceAll(secret, "'", "''") + "'",
		base64.StdEncoding.EncodeToString([]byte(secret)), fmt.Sprintf("%x", secret), fmt.Sprintf("%X", secret),
	} {
		got := r.String("before " + form + " after")
		require.Regexp(t, `^before ['"]?\[redacted\]['"=]* after$`, got, form)
	}
}

func TestASecretThatHoldsAnotherOneGoesAsAWhole(t *testing.T) {
	require.Equal(t, "a [redacted] b", redact.New("pass", "password1").String("a password1 b"))
	require.Equal(t, "a [redacted] b", redact.New("abcd", "cdef").String("a abcdef b"), "overlapping")
}

func TestATerminalEscapeWithinOrBeforeASecretDoesNotHideIt(t *testing.T) {
	r := redact.New("Hunter22")
	require.Equal(t, "[redacted]", r.String("Hun\x1b[31mter22"))
	require.NotContains(t, r.String("\x1b[Hunter22"), "unter22", "the escape must not take the first letter")
	require.Equal(t, "[redacted]", r.String("Hun\x00ter\u200b22"))
}

func TestTheLargerHalfOfASecretAtTheCutOfATailIsCutOut(t *testing.T) {
	r := redact.New("correct-horse-battery")
	require.Equal(t, "[redacted] is wrong", r.String("horse-battery is wrong"))
	require.Equal(t, "using [redacted]", r.String("using correct-horse"))
}

func TestEachLineOfASecretOfSeveralLinesIsCutOut(t *testing.T) {
	require.Equal(t, "line 2: [redacted]", redact.New("first line\r\nsecond line\n").String("line 2: second line"))
}

func TestWhatIsASecretByItsPlaceIsCutOut(t *testing.T) {
	var none redact.Redactor
	for in, want := range map[string]string{
		"host=db1 password=abc user=x":             "host=db1 password=[redacted] user=x",
		"password='a b\\'c' x":                     "password=[redacted] x",
		`PASSWORD="a b" x`:                         "PASSWORD=[redacted] x",
		"PGPASSWORD=abc psql -h db1":               "PGPASSWORD=[redacted] psql -h db1",
		`{"password": "a\"b", "port": 1}`:          `{"password": [redacted], "port": 1}`,
		"db_password: abc":                         "db_password: [redacted]",
		"api-key=abc token: def":                   "api-key=[redacted] token: [redacted]",
		"postgres://app:s3cr:et@db1:5432/x":        "postgres://app:[redacted]@db1:5432/x",
		"postgres://app:p@ss@db1/x":                "postgres://app:[redacted]@db1/x",
		"CREATE USER x IDENTIFIED BY 'it''s me' ;": "CREATE USER x IDENTIFIED BY [redacted] ;",
		"create user x identified with y by abc":   "create user x identified with y by [redacted]",
		"ALTER ROLE x PASSWORD 'abc def' VALID":    "ALTER ROLE x PASSWORD [redacted] VALID",
		"Authorization: Bearer abc.def":            "Authorization: Bearer [redacted]",
		"a\n-----BEGIN OPENSSH PRIVATE KEY-----\nb\n-----END OPENSSH PRIVATE KEY-----\nc": "a\n[redacted]\nc",
		"-----BEGIN RSA PRIVATE KEY-----\ncut off":                                        "[redacted]",
		"PGPASSWORD=<credential orders-db> psql":                                          "PGPASSWORD=<credential orders-db> psql",
		"password authentication failed for user x":                                       "password authentication failed for user x",
		"password_encryption = scram-sha-256":                                             "password_encryption = scram-sha-256",
		"https://db1:5432/x":                                                              "https://db1:5432/x",
		"0/3000060 at 10:31, timeline 2: ok":                                              "0/3000060 at 10:31, timeline 2: ok",
	} {
		require.Equal(t, want, none.String(in))
	}
}

func TestForeignTextKeepsNoControlCharacters(t *testing.T) {
	for in, want := range map[string]string{
		"a\tb\nc":                      "a\tb\nc",
		"10%\r20%\r\ndone":             "10%\n20%\ndone",
		"\x1b[1;31mred\x1b[0m":         "red",
		"\x1b]0;title\x07text":         "text",
		"\x1b]8;;http://x\x1b\\link":   "link",
		"\x1b]0;never ended\nthe rest": "]0;never ended\nthe rest",
		"\u009b31mred":                 "red",
		"a\x08\x7f\x00b":               "ab",
		"safe \u202eyad\u202c":         "safe yad",
		"bad \xff byte":                "bad \uFFFD byte",
		"Grüße, 東京":                    "Grüße, 東京",
	} {
		require.Equal(t, want, redact.Plain(in))
	}
}

func TestASecretThatLooksLikeTheMarkIsCutOutToo(t *testing.T) {
	for _, secret := range []string{"redacted", Marked, "[<{█ all marks at once", "acte"} {
		require.NotContains(t, redact.New(secret).String("x "+secret+" y password=z"), secret)
	}
	// Without a usable mark, what closes the gap is looked at again.
	r := redact.New("[<{█ab")
	require.Empty(t, r.String("[<{█[<{█abab"))
}

// Marked is a secret that is the mark itself.
const Marked = redact.Mark

// check is the property: no secret, no control character, valid UTF-8.
func check(t *testing.T, text string, secrets ...string) {
	t.Helper()
	got := redact.New(secrets...).String(text)
	for _, s := range secrets {
		if len(strings.TrimSpace(s)) >= redact.MinSecret && strings.Contains(got, s) {
			t.Fatalf("the secret %q survives in %q", s, got)
		}
	}
	if !utf8.ValidString(got) {
		t.Fatalf("%q is not UTF-8", got)
	}
	for _, c := range got {
		if unicode.IsControl(c) && c != '\n' && c != '\t' {
			t.Fatalf("%q keeps the control character %q", got, c)
		}
	}
}

func TestNoSecretSurvivesInRandomTextsOfItsOwnLetters(t *testing.T) {
	random := rand.New(rand.NewSource(1))
	letters := []rune("ab[]=:'\x1b[m\n<>{}█")
	word := func(n int) string {
		var b strings.Builder
		for range n {
			b.WriteRune(letters[random.Intn(len(letters))])
		}
		return b.String()
	}
	for range 5000 {
		one, two := word(4+random.Intn(4)), word(4+random.Intn(3))
		check(t, word(random.Intn(8))+one[:len(one)/2]+one+two+word(random.Intn(8))+two[2:]+one, one, two)
	}
}

func FuzzNoSecretSurvives(f *testing.F) {
	f.Add("before ", "hunter22", " after", "pass")
	f.Add("\x1b[", "Hunter22", "\x1b", "redacted")
	f.Add("password=", "ab'cd", "'", "[red")
	f.Fuzz(func(t *testing.T, before, secret, after, other string) {
		if len(before)+len(secret)+len(after)+len(other) > 2000 {
			return
		}
		check(t, before+secret+after+other+secret, secret, other)
	})
}
