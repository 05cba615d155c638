package remote

import (
	"context"
	"errors"
	"net"
	"os"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/switchback-dr/switchback/dr"
)

// authMethods gives the ways to log in and a function that ends the use of the
// agent. Keys of files and agent are one method: SSH tries each method once.
func authMethods(ctx context.Context, ep Endpoint, opts Options) ([]ssh.AuthMethod, func(), error) {
	done := func() {}
	var methods []ssh.AuthMethod
	var signers []ssh.Signer
	for _, file := range ep.KeyFiles {
		s, err := readKey(ep, file)
		if err != nil {
			return nil, done, err
		}
		signers = append(signers, s)
	}
	if ep.UseAgent {
		fromAgent, closeAgent, err := agentSigners(ctx, ep, opts.AgentSocket)
		if err != nil {
			return nil, done, err
		}
		done = closeAgent
		signers = append(signers, fromAgent...)
	}
	if len(signers) > 0 {
		methods = append(methods, ssh.PublicKeys(signers...))
	}
	if ep.PasswordCredential != "" {
		password, err := opts.Secret(ctx, ep.PasswordCredential)
		if err != nil {
			done()
			return nil, func() {}, dr.AsError(err, "credential")
		}
		methods = append(methods, ssh.Password(password), ssh.KeyboardInteractive(answerHidden(password)))
	}
	if len(methods) == 0 {
		done()
		return nil, func() {}, dr.Refuse("auth", "host %s: there is no key, agent or password to log in with", ep.place()).
			WithNext("name a key file in the inventory, or load a key into the agent")
	}
	return methods, done, nil
}

func readKey(ep Endpoint, file string) (ssh.Signer, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, dr.Refuse("auth", "host %s: the private key cannot be read: %v", ep.place(), err).Because(err)
	}
	s, err := ssh.ParsePrivateKey(raw)
	var locked *ssh.PassphraseMissingError
	if errors.As(err, &locked) {
		return nil, dr.Refuse("auth", "host %s: the private key %s is protected by a passphrase", ep.place(), file).
			WithNext("load it into an SSH agent (ssh-add %s) and set the agent in the inventory", file)
	}
	if err != nil {
		return nil, dr.Refuse("auth", "host %s: %s holds no private key that can be used", ep.place(), file)
	}
	return s, nil
}

func agentSigners(ctx context.Context, ep Endpoint, socket string) ([]ssh.Signer, func(), error) {
	none := func() {}
	if socket == "" {
		return nil, none, dr.Refuse("auth", "host %s uses the SSH agent, but SSH_AUTH_SOCK is not set", ep.place()).
			WithNext("start ssh-agent, or name a key file")
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", socket)
	if err != nil {
		return nil, none, dr.Refuse("auth", "host %s: the SSH agent does not answer: %v", ep.place(), err).Because(err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	closeAgent := func() { stop(); _ = conn.Close() }
	signers, err := agent.NewClient(conn).Signers()
	if err != nil {
		closeAgent()
		return nil, none, dr.Refuse("auth", "host %s: the SSH agent gives no keys: %v", ep.place(), err).Because(err)
	}
	return signers, closeAgent, nil
}

// answerHidden answers the one hidden question that servers with PAM ask in
// place of the password method; any other question is left unanswered.
func answerHidden(password string) ssh.KeyboardInteractiveChallenge {
	return func(_, _ string, questions []string, echos []bool) ([]string, error) {
		answers := make([]string, len(questions))
		if len(questions) == 1 && !echos[0] {
			answers[0] = password
		}
		return answers, nil
	}
}
