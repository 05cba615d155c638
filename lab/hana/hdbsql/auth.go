package hdbsql

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"errors"
)

// Methods of authentication by password.
const (
	methodPBKDF2 = "SCRAMPBKDF2SHA256"
	methodSHA256 = "SCRAMSHA256"
)

// Rounds of PBKDF2: HANA's default.
const pbkdf2Rounds = 15000

const (
	saltSize      = 16
	challengeSize = 48
	proofSize     = 32
	clientSize    = 64
)

// Verifier is what a server keeps of a password: a salt, and per method the
// hash of a key that only the password gives.
type Verifier struct {
	Salt   []byte `json:"salt"`
	SHA256 []byte `json:"sha256"`
	PBKDF2 []byte `json:"pbkdf2"`
}

// NewVerifier makes the verifier of a password with a new salt.
func NewVerifier(password string) (Verifier, error) {
	v := Verifier{Salt: make([]byte, saltSize)}
	if _, err := rand.Read(v.Salt); err != nil {
		return v, err
	}
	v.SHA256 = digest(scramKey(password, v.Salt))
	slow, err := pbkdf2Key(password, v.Salt, pbkdf2Rounds)
	v.PBKDF2 = digest(slow)
	return v, err
}

func digest(b []byte) []byte {
	sum := sha256.Sum256(b)
	return sum[:]
}

func mac(key []byte, texts ...[]byte) []byte {
	h := hmac.New(sha256.New, key)
	for _, t := range texts {
		h.Write(t)
	}
	return h.Sum(nil)
}

func scramKey(password string, salt []byte) []byte { return digest(mac([]byte(password), salt)) }

func pbkdf2Key(password string, salt []byte, rounds int) ([]byte, error) {
	k, err := pbkdf2.Key(sha256.New, password, salt, rounds, proofSize)
	return digest(k), err
}

// proof is what a client sends: its key, hidden by a signature over both
// challenges.
func proof(key, salt, server, client []byte) []byte {
	p := mac(digest(key), salt, server, client)
	subtle.XORBytes(p, p, key)
	return p
}

// login is one client's authentication on the server's side.
type login struct {
	user, method   string
	client, server []byte
	verifier       Verifier
	known          bool
}

var errAuth = errors.New("the authentication part is not readable")

// begin reads a client's first message and chooses the method.
func (l *login) begin(data []byte) error {
	i := in{b: data}
	n := int(i.i16())
	user, _ := i.field()
	l.user = fromCESU8(user)
	offers := map[string][]byte{}
	for range (n - 1) / 2 {
		method, _ := i.field()
		challenge, _ := i.field()
		offers[string(method)] = challenge
	}
	if i.err != nil {
		return errAuth
	}
	for _, m := range []string{methodPBKDF2, methodSHA256} {
		if c := offers[m]; len(c) == clientSize {
			l.method, l.client = m, c
			l.server = make([]byte, challengeSize)
			_, err := rand.Read(l.server)
			return err
		}
	}
	return errors.New("the client offers no method that this server knows")
}

// challenge is the reply to the first message. An unknown user gets a salt
// too, so that nothing tells it from a wrong password.
func (l *login) challenge() []byte {
	salt := l.verifier.Salt
	if !l.known {
		salt = digest([]byte(l.user))[:saltSize]
	}
	inner := out{}
	inner.i16(2)
	if l.method == methodPBKDF2 {
		inner.b[0] = 3
	}
	inner.authField(salt)
	inner.authField(l.server)
	if l.method == methodPBKDF2 {
		inner.authField(binary.BigEndian.AppendUint32(nil, pbkdf2Rounds))
	}
	o := out{}
	o.i16(2)
	o.authField([]byte(l.method))
	o.authField(inner.b)
	return o.b
}

// check reads a client's last message and says whether it knows the password.
func (l *login) check(data []byte) bool {
	i := in{b: data}
	i.i16()
	i.field() // user
	method, _ := i.field()
	block, _ := i.field()
	inner := in{b: block}
	inner.i16()
	p, _ := inner.field()
	if i.err != nil || inner.err != nil || string(method) != l.method || len(p) != proofSize || !l.known {
		return false
	}
	stored := l.verifier.SHA256
	if l.method == methodPBKDF2 {
		stored = l.verifier.PBKDF2
	}
	key := mac(stored, l.verifier.Salt, l.server, l.client)
	subtle.XORBytes(key, key, p)
	return hmac.Equal(digest(key), stored)
}

// final is the authentication part of the last reply. What a server proves of
// itself is not published; clients accept any bytes.
func (l *login) final() []byte {
	o := out{}
	o.i16(2)
	o.authField([]byte(l.method))
	if l.method == methodSHA256 {
		o.authField(nil)
		return o.b
	}
	inner := out{}
	inner.i16(1)
	inner.authField(mac(l.verifier.PBKDF2, l.client, l.server))
	o.authField(inner.b)
	return o.b
}
