package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// reply is the module's core's answer to an image.
type reply struct {
	payload []byte
	refusal string // "reason: message", empty where it converts
}

// reason is the name before the message.
func (r *reply) reason() string {
	if i := strings.IndexByte(r.refusal, ':'); i >= 0 {
		return r.refusal[:i]
	}
	return r.refusal
}

// converter is a running schema1 convert --batch.  Images may be written far
// ahead of the replies being read.
type converter struct {
	cmd *exec.Cmd
	in  *bufio.Writer
	end io.Closer
	out *bufio.Reader
}

func startConverter(program string) (*converter, error) {
	cmd := exec.Command(program, "convert", "--batch")
	cmd.Stderr = os.Stderr

	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &converter{cmd, bufio.NewWriterSize(in, 1<<16), in, bufio.NewReaderSize(out, 1<<16)}, nil
}

// write puts an image into the buffer; flush sends what is there.
func (c *converter) write(img *image) error {
	var head [16]byte

	parts := [4][]byte{[]byte(img.name), []byte(img.tag), img.manifest, img.config}
	for i, part := range parts {
		binary.BigEndian.PutUint32(head[4*i:], uint32(len(part)))
	}
	if _, err := c.in.Write(head[:]); err != nil {
		return err
	}
	for _, part := range parts {
		if _, err := c.in.Write(part); err != nil {
			return err
		}
	}
	return nil
}

func (c *converter) flush() error {
	return c.in.Flush()
}

func (c *converter) read() (*reply, error) {
	var head [5]byte

	if _, err := io.ReadFull(c.out, head[:]); err != nil {
		return nil, err
	}
	text := make([]byte, binary.BigEndian.Uint32(head[1:]))
	if _, err := io.ReadFull(c.out, text); err != nil {
		return nil, err
	}
	switch head[0] {
	case 0:
		return &reply{payload: text}, nil
	case 1:
		return &reply{refusal: string(text) + " "}, nil
	}
	return nil, fmt.Errorf("the converter answered with status %d", head[0])
}

// stop waits for the end of the program and tells how it went.
func (c *converter) stop() error {
	c.end.Close()
	return c.cmd.Wait()
}

// convertOne asks a program of its own, for images that may end it.
func convertOne(program string, img *image) (*reply, error) {
	c, err := startConverter(program)
	if err != nil {
		return nil, err
	}
	err = c.write(img)
	if err == nil {
		err = c.flush()
	}
	if err != nil {
		c.stop()
		return nil, err
	}
	r, err := c.read()
	if ended := c.stop(); err == nil {
		err = ended
	}
	return r, err
}
