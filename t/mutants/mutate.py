# Copyright (C) the ngx_http_schema1_module authors

# Finds the places of a C file where one small change is possible.

import re

TOKEN = re.compile(r'''
      (?P<skip>    /\*.*?\*/ | //[^\n]* | ^[ \t]*\#(?:[^\n]*\\\n)*[^\n]*
                   | "(?:[^"\\\n]|\\.)*" | '(?:[^'\\\n]|\\.)*' | \s+)
    | (?P<number>  0[xX][0-9a-fA-F]+[uUlL]* | \d+\.\d+ | \d+[uUlL]*)
    | (?P<name>    [A-Za-z_]\w*)
    | (?P<op>      <<=|>>=|\.\.\.|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||
                   [-+*/%&|^]=|[-+*/%&|^~!<>=?:;,.(){}\[\]])
''', re.X | re.S | re.M)

# a "-", "&" or "*" after one of these has two operands
OPERAND_ENDS = {')', ']'}

BINARY = {
    '<': ['<=', '>='], '<=': ['<', '>'], '>': ['>=', '<='], '>=': ['>', '<'],
    '==': ['!='], '!=': ['=='], '&&': ['||'], '||': ['&&'],
    '+': ['-'], '-': ['+'], '/': ['*'], '%': ['*'],
    '&': ['|'], '|': ['&'], '^': ['|'], '<<': ['>>'], '>>': ['<<'],
    '+=': ['-='], '-=': ['+='], '|=': ['&='], '&=': ['|='],
    '++': ['--'], '--': ['++'],
}

KEYWORDS = {'if', 'else', 'for', 'while', 'do', 'switch', 'case', 'default',
            'return', 'break', 'continue', 'goto', 'sizeof', 'struct', 'enum',
            'static', 'const', 'typedef', 'union', 'unsigned', 'extern'}


class Token:
    def __init__(self, kind, text, start):
        self.kind, self.text, self.start = kind, text, start
        self.end = start + len(text)


class Mutant:
    """One change: the bytes from start to end become text."""

    def __init__(self, source, function, kind, start, end, text):
        self.function, self.kind = function, kind
        self.start, self.end = start, end

        # lines keep their numbers
        lines = source.count('\n', start, end)
        self.text = text + '\n' * (lines - text.count('\n'))
        self.line = source.count('\n', 0, start) + 1

        first = source.rfind('\n', 0, start) + 1
        last = source.find('\n', end)
        self.before = ' '.join(source[first:last].split())
        self.after = ' '.join((source[first:start] + self.text
                               + source[end:last]).split())

    def apply(self, source):
        return source[:self.start] + self.text + source[self.end:]

    def name(self):
        return '%s: %s => %s' % (self.function, self.before,
                                 self.after or '(nothing)')


def tokens_of(source):
    """All tokens, but of "#if" and "#else" only the first branch's."""

    tokens, pos, branches = [], 0, []

    while pos < len(source):
        match = TOKEN.match(source, pos)

        if match is None:
            pos += 1
            continue

        if match.lastgroup == 'skip':
            directive(match.group(), branches)
        elif all(branches):
            tokens.append(Token(match.lastgroup, match.group(), pos))

        pos = match.end()

    return tokens


def directive(text, branches):
    """Keeps for each "#if" around whether this is its first branch."""

    match = re.match(r'\s*#\s*(if|el|endif)', text)

    if not match:
        return

    if match.group(1) == 'if':
        branches.append(True)
    elif match.group(1) == 'el':
        branches[-1] = False
    else:
        branches.pop()


def functions_of(tokens, source):
    """Yields name, first and last token of each function's body."""

    depth, name, begin = 0, None, 0

    for i, token in enumerate(tokens):
        if depth == 0 and token.kind == 'name' and i + 1 < len(tokens) \
           and tokens[i + 1].text == '(' \
           and (token.start == 0 or source[token.start - 1] == '\n'):
            name = token.text

        elif token.text == '{':
            if depth == 0:
                begin = i
            depth += 1

        elif token.text == '}':
            depth -= 1
            if depth == 0 and name and tokens[begin - 1].text == ')':
                yield name, begin + 1, i
                name = None

        elif depth == 0 and token.text == ';':
            name = None


def closing(tokens, i):
    """The token that closes the bracket at i."""

    depth = 0

    for j in range(i, len(tokens)):
        if tokens[j].text in '([{':
            depth += 1
        elif tokens[j].text in ')]}':
            depth -= 1
            if depth == 0:
                return j

    raise ValueError('a bracket is not closed')


def mutants_of(source):
    tokens = tokens_of(source)
    found = []

    for name, begin, end in functions_of(tokens, source):
        def add(kind, start, stop, text):
            found.append(Mutant(source, name, kind, start, stop, text))

        for i in range(begin, end):
            token, previous = tokens[i], tokens[i - 1]

            if token.kind == 'number':
                constants(token, add)

            elif token.kind == 'op':
                operators(token, previous, tokens[i + 1], add)

            elif token.text in ('true', 'false'):
                add('constant', token.start, token.end,
                    'false' if token.text == 'true' else 'true')

            if token.text in ('if', 'while') and tokens[i + 1].text == '(':
                conditions(tokens, i, add)

            if previous.text in ('{', '}', ';') or previous.text == ':':
                statements(tokens, i, end, add)

    return found


def constants(token, add):
    digits = re.match(r'0[xX][0-9a-fA-F]+|\d+(?!\.)', token.text)

    if not digits or '.' in token.text:
        return

    value = int(digits.group(), 16 if digits.group()[:2].lower() == '0x'
                else 10)

    for other in {value + 1, value - 1, 0} - {value}:
        if other >= 0:
            add('constant', token.start, token.end, str(other))


def operators(token, previous, following, add):
    text = token.text
    operand = previous.kind in ('number', 'name') \
        and previous.text not in KEYWORDS or previous.text in OPERAND_ENDS

    if text == '!':
        add('negation', token.start, token.end, '')

    # a declaration's star has a type in front, spaces are on both sides of an
    # operator of two
    elif text in BINARY and (operand or text in ('++', '--')):
        if text in '+-/%&|^<>' and not (token.start > previous.end
                                        and following.start > token.end):
            return

        for other in BINARY[text]:
            add('operator', token.start, token.end, other)


def conditions(tokens, i, add):
    close = closing(tokens, i + 1)
    start, end = tokens[i + 1].end, tokens[close].start

    add('condition', start, end, '0')

    if tokens[i].text == 'if':
        add('condition', start, end, '1')


def statements(tokens, i, end, add):
    first = tokens[i].text

    if tokens[i].kind != 'name' and first not in ('*', '(', '++', '--') \
       or first in KEYWORDS - {'break', 'continue', 'goto'}:
        return

    depth, calls = 0, False

    for j in range(i, end):
        text = tokens[j].text

        if text in '([':
            depth += 1
        elif text in ')]':
            depth -= 1
        elif text in ('{', '}'):
            return
        elif text == ':' and depth == 0 and j == i + 1:
            return
        elif text == ';' and depth == 0:
            break

        calls = calls or text == '(' or text.endswith('=') \
            or text in ('++', '--')

    else:
        return

    # a declaration has nothing to remove; one with a value is not one token
    # and a name
    if first in ('break', 'continue', 'goto') or calls:
        if not (tokens[i + 1].kind == 'name' and first not in ('goto',)):
            add('removed', tokens[i].start, tokens[j].end, ';')
