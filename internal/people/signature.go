// Package people answers who somebody is: it makes and checks OpenSSH
// signatures (SSHSIG) and judges whether a person's decision or start counts.
//
// The judging functions are pure. They give the person's ID and nothing else
// of a person, so that no name, key or account reaches a history.
package people

import (
	"bytes"
	"encoding/pem"
	"strings"

	"github.com/hiddeco/sshsig"
	"golang.org/x/crypto/ssh"

	"github.com/switchback-dr/switchback/dr"
)

// maxArmour bounds the text of a signature; the largest honest one, of a
// 16384-bit RSA key, has about 6 kB.
const maxArmour = 8 * 1024

// Sign signs the message in the namespace and gives the armoured text that
// `ssh-keygen -Y sign` would write.
func Sign(signer ssh.Signer, namespace string, message []byte) (string, error) {
	sig, err := sshsig.Sign(bytes.NewReader(message), signer, sshsig.HashSHA512, namespace)
	if err != nil {
		return "", dr.Refuse("signature", "the key %s cannot sign: %v", ssh.FingerprintSHA256(signer.PublicKey()), err)
	}
	return string(sshsig.Armor(sig)), nil
}

// Verify gives the one of keys with which the message was signed in the
// namespace. Every error is a refusal of code "signature".
func Verify(armored, namespace string, message []byte, keys []ssh.PublicKey) (ssh.PublicKey, error) {
	sig, err := unarmour(armored)
	if err != nil {
		return nil, err
	}
	if namespace == "" || sig.Namespace != namespace {
		return nil, dr.Refuse("signature", "the signature was made for %q, not for %q", dr.Clip(sig.Namespace, 40), namespace)
	}
	made := sig.PublicKey.Marshal()
	for _, key := range keys {
		// Only a key of ours is ever computed with: a foreign one could be
		// huge.
		if !bytes.Equal(made, key.Marshal()) {
			continue
		}
		if !touched(sig) {
			return nil, dr.Refuse("signature", "the security key did not see a person's touch")
		}
		if err := sshsig.Verify(bytes.NewReader(message), sig, key, sig.HashAlgorithm, namespace); err != nil {
			return nil, dr.Refuse("signature", "the signature does not fit what was signed")
		}
		return key, nil
	}
	return nil, dr.Refuse("signature", "the signature was made with a key that is not one of the person's")
}

// unarmour reads exactly one signature and nothing beside it.
func unarmour(armored string) (*sshsig.Signature, error) {
	if len(armored) > maxArmour {
		return nil, dr.Refuse("signature", "the signature is larger than %s", dr.ByteText(maxArmour))
	}
	text := strings.TrimSpace(armored)
	block, rest := pem.Decode([]byte(text))
	if block == nil || block.Type != sshsig.PEMType || len(block.Headers) > 0 || len(rest) > 0 || !strings.HasPrefix(text, "-----BEGIN "+sshsig.PEMType) {
		return nil, dr.Refuse("signature", "the signature is not one armoured OpenSSH signature")
	}
	sig, err := sshsig.ParseSignature(block.Bytes)
	if err != nil {
		return nil, dr.Refuse("signature", "the signature cannot be read")
	}
	return sig, nil
}

// userPresent is the flag by which a security key says that it was touched.
const userPresent = 0x01

// touched says whether a security key saw a person; other keys cannot tell and
// count as touched. The library leaves this flag to its caller (PROTOCOL.u2f).
func touched(sig *sshsig.Signature) bool {
	switch sig.PublicKey.Type() {
	case ssh.KeyAlgoSKED25519, ssh.KeyAlgoSKECDSA256:
		return len(sig.Signature.Rest) == 5 && sig.Signature.Rest[0]&userPresent != 0
	default:
		return true
	}
}
