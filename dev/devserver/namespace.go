package devserver

import (
	"context"
	"errors"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/schema/sqlite"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/switchback-dr/switchback/dr"
)

// Retention is how long a closed workflow can still be seen.
const Retention = 7 * 24 * time.Hour

// pollEvery is the pause between two looks at something that is about to
// become true.
const pollEvery = 20 * time.Millisecond

// SearchAttributes are the attributes by which Switchback's workflows can be
// searched for. They are registered in the namespace.
func SearchAttributes() map[string]enumspb.IndexedValueType {
	const keyword = enumspb.INDEXED_VALUE_TYPE_KEYWORD
	return map[string]enumspb.IndexedValueType{
		"DrSystem":    keyword,
		"DrProcedure": keyword,
		"DrPhase":     keyword,
		"DrGate":      keyword,
	}
}

// createNamespace writes the namespace into the database, before the server
// starts, so that it is there from the server's first moment. A namespace
// that exists is left as it is.
func createNamespace(sql *config.SQL, name string) error {
	ns, err := sqlite.NewNamespaceConfig(clusterName, name, false, SearchAttributes())
	if err == nil {
		ns.Detail.Config.Retention = durationpb.New(Retention)
		err = sqlite.CreateNamespaces(sql, ns)
	}
	if err != nil {
		return dr.Refuse("dev_namespace", "the namespace %q cannot be created: %v", name, err).Because(err)
	}
	return nil
}

// awaitReady waits until the server answers for the namespace and every
// search attribute is registered; it registers the missing ones, which a
// database made by an older version may lack.
func awaitReady(ctx context.Context, c client.Client, namespace string) error {
	asked := false
	var last error
	for {
		missing, err := missingAttributes(ctx, c, namespace)
		if err == nil && len(missing) == 0 {
			return nil
		}
		if err != nil && dr.ClassOf(err) == dr.ClassRefuse {
			return err
		}
		last = err
		if err == nil && !asked {
			asked, last = true, addAttributes(ctx, c, namespace, missing)
		}
		select {
		case <-ctx.Done():
			return dr.Retry("dev_not_ready", "the server did not become ready in time: %v", errors.Join(ctx.Err(), last)).Because(ctx.Err())
		case <-time.After(pollEvery):
		}
	}
}

func missingAttributes(ctx context.Context, c client.Client, namespace string) (map[string]enumspb.IndexedValueType, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	have, err := c.OperatorService().ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: namespace})
	if err != nil {
		return nil, err
	}
	missing := SearchAttributes()
	for name, kind := range have.GetCustomAttributes() {
		if want, ok := missing[name]; ok && want != kind {
			return nil, dr.Refuse("dev_search_attribute", "search attribute %s is of type %s, not %s", name, kind, want)
		}
		delete(missing, name)
	}
	return missing, nil
}

func addAttributes(ctx context.Context, c client.Client, namespace string, missing map[string]enumspb.IndexedValueType) error {
	_, err := c.OperatorService().AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{
		Namespace: namespace, SearchAttributes: missing,
	})
	var exists *serviceerror.AlreadyExists
	if errors.As(err, &exists) {
		return nil
	}
	return err
}
