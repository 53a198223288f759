package main

import (
	"encoding/json"
	"strings"

	"github.com/docker/distribution"
)

// The media types of a config and of layers by which the module refuses what
// the builder, which does not look at them, converts.

// typeReasons are the refusals that follow from media types alone.
var typeReasons = map[string]bool{
	"foreign_layer":     true,
	"encrypted_layer":   true,
	"layer_compression": true,
	"not_an_image":      true,
}

// refusalByType is the reason for which an image is refused by its types, or
// "": an artifact's config first, then the first layer that no old client reads.
func refusalByType(manifest []byte, config distribution.Descriptor, layers []distribution.Descriptor) string {
	if !isImageConfig(config.MediaType, artifactType(manifest)) {
		return "not_an_image"
	}
	for _, layer := range layers {
		if reason := layerRefusal(bareType(layer.MediaType)); reason != "" {
			return reason
		}
	}
	return ""
}

// isImageConfig: "A config belongs to an artifact, not to an image, if its
// mediaType is a vendor type other than Docker's and OCI's types for images.
// Any other type is inconclusive."
func isImageConfig(config, artifact string) bool {
	known := func(mediaType string) bool { return mediaType == dockerConfig || mediaType == ociConfig }

	config, artifact = bareType(config), bareType(artifact)
	if known(config) {
		return true
	}
	if strings.HasPrefix(config, "application/vnd.") {
		return false
	}
	return artifact == "" || known(artifact)
}

// layerRefusal: "The end of a layer's media type determines its compression."
func layerRefusal(mediaType string) string {
	if strings.Contains(mediaType, "+encrypted") {
		return "encrypted_layer"
	}
	for _, foreign := range []string{"application/vnd.docker.image.rootfs.foreign.", "application/vnd.oci.image.layer.nondistributable."} {
		if strings.HasPrefix(mediaType, foreign) {
			return "foreign_layer"
		}
	}
	for _, tar := range []string{"application/vnd.docker.image.rootfs.diff.tar", "application/vnd.oci.image.layer.v1.tar"} {
		if strings.HasPrefix(mediaType, tar) {
			switch mediaType[len(tar):] {
			case "", "+gzip", ".gzip", "+gz", ".gz":
				return ""
			}
			return "layer_compression"
		}
	}
	for _, format := range []string{"squashfs", "erofs", "nydus"} {
		if strings.Contains(mediaType, format) {
			return "layer_compression"
		}
	}
	if strings.HasPrefix(mediaType, "application/vnd.") && mediaType != "application/vnd.docker.container.image.rootfs.diff+x-gtar" {
		return "not_an_image"
	}
	return ""
}

// bareType is in lower case and has no parameters.
func bareType(mediaType string) string {
	if i := strings.IndexByte(mediaType, ';'); i >= 0 {
		mediaType = mediaType[:i]
	}
	return asciiLower(strings.TrimRight(mediaType, " \t"))
}

func asciiLower(s string) string {
	lower := []byte(s)
	for i, c := range lower {
		if c >= 'A' && c <= 'Z' {
			lower[i] = c + 'a' - 'A'
		}
	}
	return string(lower)
}

// artifactType is no error where it is not a string.
func artifactType(manifest []byte) string {
	var m struct {
		ArtifactType json.RawMessage `json:"artifactType"`
	}
	var artifact string

	if json.Unmarshal(manifest, &m) != nil || json.Unmarshal(m.ArtifactType, &artifact) != nil {
		return ""
	}
	return artifact
}

// configType gives another type for a few configs.
func (g *generator) configType(p *plan) string {
	usual := map[bool]string{true: ociConfig, false: dockerConfig}[p.oci]

	switch {
	case p.fault == "config of another kind":
		g.note(27, "type of an artifact's config")
		return g.pick("application/vnd.cncf.helm.config.v1+json", "application/vnd.oci.empty.v1+json",
			"application/vnd.docker.plugin.v1+json", ociManifest, "Application/VND.x", ociConfig+"x")
	case p.fault == "artifact" || g.permille(25):
		g.note(27, "type of a config that says nothing")
		return g.pick("", "text/html", "text/html; charset=utf-8", "application/x-gzip", "application/x-www-form-urlencoded",
			"application/json", "application/octet-stream", "application/vnd", "x")
	case g.permille(15):
		g.note(27, "type of a config with parameters or in capitals")
		return g.pick(strings.ToUpper(usual), usual+"; charset=utf-8", usual+" \\t;a=b", dockerConfig, ociConfig)
	}
	return usual
}

// artifactMember is the artifactType of a manifest, if it has one.
func (g *generator) artifactMember(p *plan) string {
	name := g.name("artifactType")

	switch {
	case p.fault == "artifact":
		g.note(27, "artifactType")
		return g.member(name, g.pick(`"application/vnd.x"`, `"x"`, `"\u0061"`, `" "`, `"application/vnd.cncf.helm.config.v1+json"`))
	case g.permille(15):
		g.note(27, "artifactType that does not matter")
		return g.member(name, g.pick(`""`, "null", `"`+ociConfig+`"`, `"`+dockerConfig+`;a"`, "1", "{}", `";x"`))
	}
	return ""
}
