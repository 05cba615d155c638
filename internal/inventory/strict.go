package inventory

import (
	"encoding"
	"fmt"
	"reflect"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/switchback-dr/switchback/dr"
)

// decode reads n into the value that into points to. Fields that the file does
// not name keep what they had, so that defaults can be set before. What is
// wrong is added to c and leaves its field alone.
//
// The YAML library's own decoder is not used for this: it stops checking for
// unknown fields below a node and turns numbers into texts and back.
func decode(n node, into any, c *complaints) {
	v := reflect.ValueOf(into)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		panic(fmt.Sprintf("inventory: decode into %T", into))
	}
	if n.absent() && v.Elem().Kind() == reflect.Struct {
		return // an adapter's node that was left empty
	}
	value(n, v.Elem(), c)
}

var (
	nodeType     = reflect.TypeFor[node]()
	durationType = reflect.TypeFor[time.Duration]()
	secretType   = reflect.TypeFor[SecretRef]()
	textType     = reflect.TypeFor[encoding.TextUnmarshaler]()
)

func value(n node, v reflect.Value, c *complaints) {
	if v.Type() == nodeType {
		v.Set(reflect.ValueOf(n))
		return
	}
	if n.absent() {
		c.add(n.line, "%s is empty; give it a value or remove it", n.path)
		return
	}
	if v.Kind() == reflect.Pointer {
		fresh := reflect.New(v.Type().Elem())
		before := len(c.list)
		value(n, fresh.Elem(), c)
		if len(c.list) == before {
			v.Set(fresh)
		}
		return
	}
	if v.Type() == durationType {
		var d dr.Duration
		scalarText(n, reflect.ValueOf(&d), c)
		v.SetInt(int64(d))
		return
	}
	if reflect.PointerTo(v.Type()).Implements(textType) {
		scalarText(n, v.Addr(), c)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		structure(n, v, c)
	case reflect.Slice:
		list(n, v, c)
	case reflect.Map:
		mapping(n, v, c)
	default:
		scalar(n, v, c)
	}
}

func scalarText(n node, v reflect.Value, c *complaints) {
	if n.y.Kind != yaml.ScalarNode {
		c.add(n.line, "%s must be a single value, not %s", n.path, kindOf(n.y))
		return
	}
	if err := v.Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(n.y.Value)); err != nil {
		c.add(n.line, "%s: %s", n.path, oneLine(err.Error()))
	}
}

func scalar(n node, v reflect.Value, c *complaints) {
	want := map[reflect.Kind]string{reflect.String: "a text", reflect.Bool: "true or false", reflect.Float64: "a number"}[v.Kind()]
	if want == "" {
		want = "a whole number"
	}
	ok := n.y.Kind == yaml.ScalarNode
	if ok {
		switch tag := n.y.ShortTag(); v.Kind() {
		case reflect.String:
			// A version such as 15 is a text that happens to be digits; true
			// is a mistake.
			ok = tag == "!!str" || tag == "!!int" || tag == "!!float" || tag == "!!timestamp"
			if ok {
				v.SetString(n.y.Value)
			}
		case reflect.Bool:
			ok = tag == "!!bool" && n.y.Decode(v.Addr().Interface()) == nil
		case reflect.Int, reflect.Int32, reflect.Int64, reflect.Uint, reflect.Uint16, reflect.Uint32, reflect.Uint64:
			ok = tag == "!!int" && n.y.Decode(v.Addr().Interface()) == nil
		case reflect.Float64:
			ok = (tag == "!!int" || tag == "!!float") && n.y.Decode(v.Addr().Interface()) == nil
		default:
			panic(fmt.Sprintf("inventory: %s has the unsupported type %s", n.path, v.Type()))
		}
	}
	if !ok {
		c.add(n.line, "%s must be %s, not %s", n.path, want, kindOf(n.y))
	}
}

func list(n node, v reflect.Value, c *complaints) {
	if n.y.Kind != yaml.SequenceNode {
		c.add(n.line, "%s must be a list, not %s", n.path, kindOf(n.y))
		return
	}
	out := reflect.MakeSlice(v.Type(), 0, len(n.y.Content))
	for _, item := range n.items() {
		e := reflect.New(v.Type().Elem()).Elem()
		value(item, e, c)
		out = reflect.Append(out, e)
	}
	v.Set(out)
}

func mapping(n node, v reflect.Value, c *complaints) {
	if n.y.Kind != yaml.MappingNode {
		c.add(n.line, "%s must be a mapping, not %s", n.path, kindOf(n.y))
		return
	}
	out := reflect.MakeMap(v.Type())
	for _, e := range n.entries() {
		item := reflect.New(v.Type().Elem()).Elem()
		value(e.value, item, c)
		out.SetMapIndex(reflect.ValueOf(e.key).Convert(v.Type().Key()), item)
	}
	v.Set(out)
}

func structure(n node, v reflect.Value, c *complaints) {
	if n.y.Kind != yaml.MappingNode && v.Type() == secretType {
		// What stands there may be the secret itself: it is not repeated.
		c.add(n.line, "%s must be a mapping with env or file; the secret itself never stands here", place(n.path))
		return
	}
	if n.y.Kind != yaml.MappingNode {
		c.add(n.line, "%s must be a mapping, not %s", place(n.path), kindOf(n.y))
		return
	}
	fields := map[string]reflect.Value{}
	var names []string
	collectFields(v, fields, &names)
	for _, e := range n.entries() {
		f, ok := fields[e.key]
		if !ok {
			c.add(e.value.line, "%s has no field %q; %s", place(n.path), dr.Clip(e.key, 60), suggest(e.key, names))
			continue
		}
		value(e.value, f, c)
	}
}

func collectFields(v reflect.Value, into map[string]reflect.Value, names *[]string) {
	t := v.Type()
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case options == "inline" || (f.Anonymous && name == ""):
			collectFields(v.Field(i), into, names)
			continue
		case !f.IsExported() || name == "-":
			continue
		case name == "":
			name = strings.ToLower(f.Name)
		}
		into[name] = v.Field(i)
		*names = append(*names, name)
	}
}

// place names a path in a sentence; the top of the file has no path.
func place(path string) string {
	if path == "" {
		return "the inventory"
	}
	return path
}

// kindOf says what stands there, for a sentence that says what should.
func kindOf(y *yaml.Node) string {
	switch y.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	default:
		return fmt.Sprintf("%q", dr.Clip(y.Value, 60))
	}
}
