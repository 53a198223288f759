package main

import (
	"crypto/sha256"
	"fmt"
	"strconv"
	"strings"
)

// manifest makes the manifest document.
func (g *generator) manifest(p *plan, config string) string {
	var members []string
	add := func(name, value string) { members = append(members, g.member(g.name(name), value)) }

	if p.oci {
		g.note(25, "OCI manifest")
	} else {
		g.note(25, "docker manifest")
	}
	if p.fault == "bad manifest type" {
		g.badManifestType(p, add)
	} else {
		add("schemaVersion", "2")
		switch {
		case p.oci && g.below(2) == 0:
			g.note(25, "no mediaType")
			if g.below(8) == 0 {
				add("mediaType", g.pick(`""`, "null"))
			}
		case p.oci:
			add("mediaType", `"`+ociManifest+`"`)
		default:
			add("mediaType", g.pick(`"`+dockerManifest+`"`, `"`+strings.ReplaceAll(dockerManifest, "/", `\/`)+`"`))
		}
	}

	digest := fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(config)))
	members = append(members, g.member(g.name("config"), g.plainDescriptor(g.configType(p), digest, strconv.Itoa(len(config)))))
	members = append(members, g.layers(p))

	if p.fault == "members of an index" {
		g.note(25, "manifests in a manifest")
		members = append(members, g.member(g.name("manifests"), g.pick("[]", "null", "[]", `[{}]`, "{}", `"x"`, "1")))
		if g.below(4) == 0 {
			members[len(members)-1] += "," + g.member(g.name("manifests"), "null")
		}
	}
	if g.permille(50) {
		members = append(members, g.member(g.pick(`"x"`, `"history"`, `"fsLayers"`), g.value(unused, 2)))
	}
	if artifact := g.artifactMember(p); artifact != "" {
		members = append(members, artifact)
	}
	if p.oci && g.permille(60) {
		note := []string{g.member(g.str(unused), g.str(unused)), g.member(`"n"`, "null")}
		add("annotations", g.object(note[:g.between(0, 2)]))
	}
	if p.fault == "type in manifest" && !p.wrongLayer {
		members = append(members, g.wrongManifestMember(p))
	}
	if p.fault == "deep" && p.deepManifest {
		members = append(members, g.deep())
	}
	return g.space() + g.object(g.shuffle(members)) + g.space()
}

func (g *generator) badManifestType(p *plan, add func(name, value string)) {
	g.note(25, "other version or type")
	version, mediaType := "2", dockerManifest
	if p.oci {
		mediaType = ociManifest
	}
	if g.below(2) == 0 {
		version = g.pick("1", "3", "0", "2.0", "2e0", `"2"`, "null", "-2", "true", "20", "9223372036854775808")
	} else {
		mediaType = g.pick("application/json", "application/vnd.oci.image.index.v1+json", "x", "Application"+ociManifest[11:],
			"application/vnd.docker.distribution.manifest.list.v2+json", ociManifest+" ", ociManifest+"; charset=utf-8",
			"application/vnd.docker.distribution.manifest.v1+json", "application/vnd.docker.distribution.manifest.v1+prettyjws")
	}
	if g.below(8) > 0 {
		add("schemaVersion", version)
	}
	add("mediaType", `"`+mediaType+`"`)
}

func (g *generator) layers(p *plan) string {
	layerType := map[bool]string{true: ociLayer, false: dockerLayer}[p.oci]
	items := make([]string, p.layers)
	bad := -1
	if p.fault == "bad digest" && len(items) > 0 {
		bad = g.below(len(items))
	}
	for i := range items {
		digest := g.layerDigest()
		if i == bad {
			g.note(26, "bad digest")
			if g.below(12) == 0 {
				items[i] = g.pick("null", "{}")
				continue
			}
			digest = g.badDigest()
		}
		items[i] = g.descriptor(g.layerType(p, layerType), digest, strconv.Itoa(g.below(1<<30)))
	}
	if p.wrongLayer {
		// a right member of this name may follow: it does not help
		g.note(27, "known member of the wrong type")
		i := g.below(len(items))
		items[i] = "{" + g.wrongDescriptorMember() + "," + items[i][1:]
	}
	if len(items) == 0 && g.below(3) == 0 {
		return g.member(g.name("layers"), "null")
	}
	former := ""
	if g.permille(12) {
		former = g.formerLayers(items, layerType)
	}
	return former + g.member(g.name("layers"), g.array(items))
}

// formerLayers puts other ones before, which the last are decoded over, and
// leaves things to them.
func (g *generator) formerLayers(items []string, layerType string) string {
	former := make([]string, g.between(1, len(items)+2))
	for i := range former {
		former[i] = g.descriptor(layerType, g.layerDigest(), "7")
	}
	text := g.member(g.name("layers"), g.array(former)) + ","

	switch g.below(4) {
	case 0:
		g.note(17, "layers forgotten in between")
		return text + g.member(g.name("layers"), g.pick("null", "[]")) + ","
	case 1:
		g.note(17, "shorter layers in between")
		text += g.member(g.name("layers"), "[{}]") + ","
	}
	g.note(17, "layers decoded over others")
	for i := range items {
		if i < len(former) && g.below(3) == 0 {
			items[i] = g.pick("{}", "null", `{"size":1}`, `{"digest":null}`)
		}
	}
	return text
}

// layerType gives another type for a few layers.
func (g *generator) layerType(p *plan, usual string) string {
	switch {
	case p.fault == "layer of another kind":
		// no client of the module's can have these: refused by us alone
		return g.pick("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
			"application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
			"application/vnd.oci.image.layer.v1.tar+zstd", "application/vnd.oci.image.layer.v1.tar+gzip+encrypted",
			"application/vnd.docker.image.rootfs.diff.tar.zstd", "application/vnd.oci.image.layer.v1.tar+gzi",
			"application/vnd.oci.image.layer.squashfs", "application/vnd.erofs.layer.v1",
			"application/vnd.oci.image.layer.nydus.blob.v1", "application/vnd.in-toto+json", "application/vnd.oci.image.layer.v1.ta")
	case g.permille(5):
		return g.pick("application/vnd.docker.image.rootfs.diff.tar", "application/vnd.oci.image.layer.v1.tar")
	case g.permille(5):
		return g.pick(dockerLayer, ociLayer)
	case g.permille(10):
		g.note(27, "type of a layer that means gzip or says nothing")
		tar := g.pick("application/vnd.docker.image.rootfs.diff.tar", "application/vnd.oci.image.layer.v1.tar", "Application/VND.oci.image.layer.v1.TAR")
		return g.pick(tar+"+gzip", tar+".gzip", tar+"+gz", tar+".gz", tar+".GZ ;a=b", "", "text/html", "application/x-gzip", "application/octet-stream",
			"application/vnd.docker.container.image.rootfs.diff+x-gtar")
	}
	return usual
}

func (g *generator) layerDigest() string {
	switch n := g.below(100); {
	case n < 2:
		g.note(26, "sha384")
		g.note(3, "hex of another algorithm")
		return "sha384:" + g.hex(96)
	case n < 4:
		g.note(26, "sha512")
		g.note(3, "hex of another algorithm")
		return "sha512:" + g.hex(128)
	case n < 6:
		g.note(26, "escape in a digest")
		return g.pick(`sha256\u003a`, `\u0073ha256:`, `sh\u00612\u0035\u0036:`, `sha\u0032\u00356\u003A`) + g.hex(64)
	case n < 7:
		return emptyLayer
	}
	return "sha256:" + g.hex(64)
}

func (g *generator) badDigest() string {
	hex := g.hex(64)
	if g.below(3) == 0 {
		slip := []byte(g.pick("sha256:"+hex, "sha384:"+hex+hex[:32], "sha512:"+hex+hex))
		slip[g.below(len(slip))] = "0afgAF:+-_. /sh"[g.below(15)]
		return string(slip)
	}
	return g.pick("", "sha256:", "sha256", hex, "sha256:"+hex[1:], "sha256:"+hex+"0", "sha256:"+strings.ToUpper(hex[:60])+"ABCD",
		"SHA256:"+hex, "md5:"+hex[:32], "sha1:"+hex[:40], "sha224:"+hex[:56], "sha256:"+hex[1:]+"g", "sha256: "+hex[1:],
		" sha256:"+hex, "sha256:"+hex+" ", "sha512:"+hex, "sha384:"+hex, "sha256:"+hex[4:]+"\u00e9\u00e9",
		"tarsum.v1+sha256:"+hex, "sha256:"+hex[1:]+`\u0000`, "sha256:"+hex[1:]+"\xff", ":"+hex, "blake3:"+hex, "sha256+b64:"+hex)
}

// descriptor makes a descriptor with what may stand in one.
func (g *generator) descriptor(mediaType, digest, size string) string {
	return g.object(g.shuffle(g.oddDescriptor(g.descriptorMembers(mediaType, digest, size))))
}

func (g *generator) plainDescriptor(mediaType, digest, size string) string {
	return g.object(g.shuffle(g.descriptorMembers(mediaType, digest, size)))
}

func (g *generator) descriptorMembers(mediaType, digest, size string) []string {
	return []string{
		g.member(g.name("mediaType"), `"`+mediaType+`"`),
		g.member(g.name("digest"), `"`+digest+`"`),
		g.member(g.name("size"), size),
	}
}

// oddDescriptor adds to a layer's descriptor what does no harm.
func (g *generator) oddDescriptor(members []string) []string {
	size := &members[2]
	add := func(name, value string) { members = append(members, g.member(g.name(name), value)) }

	if g.permille(10) {
		g.note(27, "size at the edge of its range")
		*size = g.member(`"size"`, g.pick("9223372036854775807", "-9223372036854775808", "-1", "0", "null", "-0"))
	}
	if g.permille(10) {
		g.note(27, "urls")
		add("urls", g.pick("null", "[]"))
	}
	if g.permille(10) {
		g.note(27, "annotations")
		add("annotations", g.pick("null", "{}", `{"a":"b"}`, `{"a":null}`, `{"a":"b","a":"c"}`))
	}
	if g.permille(5) {
		g.note(27, "platform")
		add("platform", g.pick("null", "{}", `{"os":"linux","architecture":"amd64","os.features":["x",null]}`))
	}
	if g.permille(5) {
		g.note(15, "descriptor's member twice")
		members = append(members, *size)
	}
	if g.permille(10) {
		members = append(members, g.member(`"extra"`, g.value(unused, 1)))
	}
	return members
}

// wrongManifestMember is a known member of another type, which refuses.
func (g *generator) wrongManifestMember(p *plan) string {
	g.note(27, "known member of the wrong type")
	descriptor := g.wrongDescriptorMember()

	switch g.below(6) {
	case 0:
		return g.member(g.name("config"), "{"+descriptor+"}")
	case 1:
		return g.member(g.name("config"), g.wrongType("object"))
	case 2:
		return g.member(g.name("layers"), g.wrongType("array"))
	case 3:
		return g.member(g.name("layers"), "["+g.wrongType("object")+"]")
	case 4:
		if p.oci {
			return g.member(g.name("annotations"), g.pick(`"x"`, "[]", `{"a":1}`, "1"))
		}
	}
	return g.member(g.name("layers"), "[{"+descriptor+"}]")
}

// wrongDescriptorMember is one of a descriptor's.
func (g *generator) wrongDescriptorMember() string {
	return g.pick(
		`"size":`+g.pick("1.5", "1e3", "1.0", `"1"`, "9223372036854775808", "-9223372036854775809", "true", "[]", "{}"),
		`"digest":`+g.wrongType("string"),
		`"mediaType":`+g.wrongType("string"),
		`"urls":`+g.pick(`"x"`, "[1]", "{}", "1", `["a",{}]`),
		`"annotations":`+g.pick(`"x"`, "[]", `{"a":1}`, `{"a":[]}`, "1", "true"),
		`"platform":`+g.pick(`"x"`, "[]", `{"os":1}`, `{"os.features":["a",1]}`, "1", `{"variant":{}}`))
}
