package main

import (
	"context"
	"crypto"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/docker/distribution"
	"github.com/docker/distribution/manifest"
	"github.com/docker/distribution/manifest/manifestlist"
	"github.com/docker/distribution/manifest/ocischema"
	"github.com/docker/distribution/manifest/schema1"
	"github.com/docker/distribution/manifest/schema2"
	"github.com/docker/distribution/reference"
	"github.com/docker/libtrust"
	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
)

// image is what goes into a conversion.
type image struct {
	name, tag        string
	manifest, config []byte
}

// verdict is what has to come out.  Where the module goes beyond the builder
// on purpose, beyond names the way and payload is what the specification asks
// for; built says whether the builder alone converts the image.  refusal is the
// reason for which the module refuses by media types what the builder converts.
type verdict struct {
	payload []byte
	err     error
	beyond  string
	built   bool
	refusal string
}

// quickKey spares the signature, which is not looked at here: signing costs as
// much as all the rest of a build.
type quickKey struct {
	libtrust.PrivateKey
}

func (quickKey) Sign(io.Reader, crypto.Hash) ([]byte, string, error) {
	return make([]byte, 64), "ES256", nil
}

var signingKey = func() libtrust.PrivateKey {
	key, err := libtrust.GenerateECP256PrivateKey()
	if err != nil {
		panic(err)
	}
	return quickKey{key}
}()

// emptyBlobs is a blob service that takes the empty layer and holds nothing.
type emptyBlobs struct{}

func (emptyBlobs) Stat(context.Context, digest.Digest) (distribution.Descriptor, error) {
	return distribution.Descriptor{}, distribution.ErrBlobUnknown
}

func (emptyBlobs) Put(_ context.Context, mediaType string, p []byte) (distribution.Descriptor, error) {
	return distribution.Descriptor{MediaType: mediaType, Size: int64(len(p)), Digest: digest.FromBytes(p)}, nil
}

func (emptyBlobs) Get(context.Context, digest.Digest) ([]byte, error) {
	return nil, distribution.ErrBlobUnknown
}

func (emptyBlobs) Open(context.Context, digest.Digest) (distribution.ReadSeekCloser, error) {
	return nil, distribution.ErrBlobUnknown
}

func (emptyBlobs) Create(context.Context, ...distribution.BlobCreateOption) (distribution.BlobWriter, error) {
	return nil, distribution.ErrUnsupported
}

func (emptyBlobs) Resume(context.Context, string) (distribution.BlobWriter, error) {
	return nil, distribution.ErrUnsupported
}

func (emptyBlobs) ServeBlob(context.Context, http.ResponseWriter, *http.Request, digest.Digest) error {
	return distribution.ErrUnsupported
}

func (emptyBlobs) Delete(context.Context, digest.Digest) error {
	return distribution.ErrUnsupported
}

// readManifest does what the registry's manifest store does (its Get, in
// registry/storage/manifeststore.go), which cannot be called without a whole
// registry around it.
func readManifest(content []byte) (config distribution.Descriptor, layers []distribution.Descriptor, err error) {
	var versioned manifest.Versioned

	if err := json.Unmarshal(content, &versioned); err != nil {
		return config, nil, err
	}
	if versioned.SchemaVersion != 2 {
		return config, nil, fmt.Errorf("unrecognized manifest schema version %d", versioned.SchemaVersion)
	}

	switch versioned.MediaType {

	case schema2.MediaTypeManifest:
		var m schema2.DeserializedManifest
		if err := m.UnmarshalJSON(content); err != nil {
			return config, nil, err
		}
		return m.Config, m.Layers, nil

	case "":
		// without a type it is taken for an index first
		var list manifestlist.DeserializedManifestList
		if err := list.UnmarshalJSON(content); err != nil {
			return config, nil, err
		}
		if list.Manifests != nil {
			return config, nil, errors.New("an index")
		}

	case v1.MediaTypeImageManifest:

	default:
		return config, nil, fmt.Errorf("unrecognized manifest content type %s", versioned.MediaType)
	}

	// with the check for members of an index that a pushed manifest meets
	m, _, err := distribution.UnmarshalManifest(v1.MediaTypeImageManifest, content)
	if err != nil {
		return config, nil, err
	}
	image := m.(*ocischema.DeserializedManifest)
	return image.Config, image.Layers, nil
}

// build is the registry's conversion of a pull by tag.
func build(img *image, layers []distribution.Descriptor, config []byte) (m *schema1.SignedManifest, err error) {
	// the builder does not look whether there is a rootfs
	defer func() {
		if p := recover(); p != nil {
			m, err = nil, fmt.Errorf("panic: %v", p)
		}
	}()

	ref, err := reference.WithName(img.name)
	if err != nil {
		return nil, err
	}
	if img.tag != "" {
		ref, err = reference.WithTag(ref, img.tag)
		if err != nil {
			return nil, err
		}
	}

	builder := schema1.NewConfigManifestBuilder(emptyBlobs{}, signingKey, ref, config)
	for _, layer := range layers {
		if err := builder.AppendReference(layer); err != nil {
			return nil, err
		}
	}

	built, err := builder.Build(context.Background())
	if err != nil {
		return nil, err
	}
	return built.(*schema1.SignedManifest), nil
}

// judge tells what has to become of an image.
func judge(img *image) verdict {
	config, layers, err := readManifest(img.manifest)
	if err != nil {
		return verdict{err: err}
	}

	m, err := build(img, layers, img.config)
	v := verdict{err: err, built: err == nil}
	if err == nil {
		v.payload = m.Canonical
	}

	v = goBeyond(v, img, layers, m)
	v.refusal = refusalByType(img.manifest, config, layers)
	return v
}

// goBeyond models what the module does beyond the builder: made-up history,
// and no parent or throwaway that the builder did not set.
func goBeyond(v verdict, img *image, layers []distribution.Descriptor, m *schema1.SignedManifest) verdict {
	var config struct {
		RootFS *struct {
			DiffIDs []json.RawMessage `json:"diff_ids"`
		} `json:"rootfs"`
		History []struct {
			EmptyLayer bool `json:"empty_layer"`
		} `json:"history"`
	}

	// What the builder refuses before it looks at the history stays refused.
	// The members that this struct lacks are checked by the second build.
	if json.Unmarshal(img.config, &config) != nil || config.RootFS == nil ||
		len(config.RootFS.DiffIDs) != len(layers) {
		return v
	}

	entries := 0
	for _, h := range config.History {
		if !h.EmptyLayer {
			entries++
		}
	}

	if len(config.History) == 0 {
		return makeHistory(v, img, layers, "history missing or empty")
	}
	if entries < len(layers) {
		return makeHistory(v, img, layers, "history shorter than the layers")
	}
	if entries > len(layers) {
		return makeHistory(v, img, layers, "history longer than the layers")
	}
	if v.err != nil {
		return v
	}

	last := len(config.History) - 1
	latest, dropped := dropStale(m.History[0].V1Compatibility, last > 0, config.History[last].EmptyLayer)
	if dropped == "" {
		return v
	}

	mended := m.Manifest
	mended.History = append([]schema1.History{{V1Compatibility: latest}}, m.History[1:]...)
	v.payload = marshal(&mended)
	v.beyond = "stale " + dropped
	return v
}

// makeHistory gives the builder one entry for each layer.  The last member of
// a name counts, after a null nothing of the former ones is left.  The ID of
// the last entry is that of the image's own config.
func makeHistory(v verdict, img *image, layers []distribution.Descriptor, why string) verdict {
	if len(layers) == 0 {
		return verdict{err: errors.New("no layers to make up a history for")}
	}

	// the builder still sees the history that was there, and checks its types
	brace := strings.LastIndexByte(string(img.config), '}')
	config := append([]byte{}, img.config[:brace]...)
	config = append(config, `,"history":null,"history":[`...)
	entry := `{` + configCreated(img.config) + `}`
	config = append(config, entry...)
	config = append(config, strings.Repeat(","+entry, len(layers)-1)...)
	config = append(config, `]}`...)

	m, err := build(img, layers, config)
	if err != nil {
		return verdict{err: err}
	}

	made := m.Manifest
	parent := ""
	if len(layers) > 1 {
		var second struct {
			ID string `json:"id"`
		}
		if err := json.Unmarshal([]byte(made.History[1].V1Compatibility), &second); err != nil {
			return verdict{err: err}
		}
		parent = second.ID
	}

	hex := made.FSLayers[0].BlobSum.Hex()
	id := fmt.Sprintf("%x", sha256.Sum256([]byte(hex+" "+parent+" "+string(img.config))))
	latest, err := schema1.MakeV1ConfigFromConfig(img.config, id, parent, false)
	if err != nil {
		return verdict{err: err}
	}

	made.History[0].V1Compatibility, _ = dropStale(string(latest), parent != "", false)
	return verdict{payload: marshal(&made), beyond: why, built: v.built}
}

// configCreated is the member "created" for a made-up entry, or nothing.
func configCreated(config []byte) string {
	var top struct {
		Created json.RawMessage `json:"created"`
	}
	var created time.Time

	if json.Unmarshal(config, &top) != nil || len(top.Created) == 0 ||
		top.Created[0] != '"' || created.UnmarshalJSON(top.Created) != nil {
		return ""
	}
	return `"created":` + string(top.Created)
}

// dropStale removes parent and throwaway from the last entry, in any spelling,
// where the builder did not set them.
func dropStale(v1 string, hasParent, hasThrowaway bool) (string, string) {
	var members map[string]json.RawMessage

	if err := json.Unmarshal([]byte(v1), &members); err != nil {
		panic(err)
	}

	dropped := ""
	for name := range members {
		if !hasParent && strings.EqualFold(name, "parent") {
			delete(members, name)
			dropped = "parent"
		}
		if !hasThrowaway && strings.EqualFold(name, "throwaway") {
			delete(members, name)
			if dropped == "" {
				dropped = "throwaway"
			}
		}
	}
	if dropped == "" {
		return v1, ""
	}

	// names and raw values went through this encoder once: no further change
	encoded, err := json.Marshal(members)
	if err != nil {
		panic(err)
	}
	return string(encoded), dropped
}

func marshal(m *schema1.Manifest) []byte {
	payload, err := json.MarshalIndent(m, "", "   ")
	if err != nil {
		panic(err)
	}
	return payload
}
