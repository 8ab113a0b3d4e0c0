#!/usr/bin/python3
"""Runs the commands of a page of the documentation and compares what they print with what the page shows.

    page.py [--write] PAGE FOLDER COMMAND...

Blocks are indented by four blanks. Their lines that begin with "# " are commands, each given to COMMAND as one more
argument; the lines that follow are its output, where "..." stands for any lines. Comments in the page, each before a
block or between two, say the rest:

    <!-- file: NAME -->    the next block is the content of FOLDER/NAME
    <!-- lab: COMMAND -->  something that goes on meanwhile: run by bash, as it is
    <!-- not run -->       the next block is only to be read

--write puts what the commands print into the page, in place of output without "...". Exit code 1: it differs.
"""
import os
import re
import subprocess
import sys

INDENT = '    '
VARIES = re.compile(r'(leaf +|nhid )\d+')  # from one run to the next
MARK = re.compile(r'^<!-- (file|lab|not run):? ?(.*?) ?-->$')


def blocks(lines):
    """(kind, line number, text): marks, and blocks as lists of lines."""
    at = 0
    while at < len(lines):
        mark = MARK.match(lines[at])
        if mark:
            yield mark[1], at, mark[2]
            at += 1
        elif lines[at].startswith(INDENT):
            end = at
            while end < len(lines) and (lines[end].startswith(INDENT) or not lines[end]):
                end += 1
            while not lines[end - 1]:
                end -= 1
            yield 'block', at, [line[len(INDENT):] for line in lines[at:end]]
            at = end
        else:
            at += 1


def steps(block):
    """(offset, command, lines it prints) of a block."""
    starts = [i for i, line in enumerate(block) if line.startswith('# ')] + [len(block)]
    for start, end in zip(starts, starts[1:]):
        yield start, block[start][2:], block[start + 1:end]


def same(expected, got):
    """As lists of lines; "..." is any number of them."""
    def plain(line):
        return VARIES.sub(r'\1N', line.rstrip())

    pattern = ''.join('(?:.*\n)*' if line.strip() == '...' else re.escape(plain(line)) + '\n' for line in expected)
    return re.fullmatch(pattern, ''.join(plain(line) + '\n' for line in got)) is not None


def output(command):
    """Its lines, of stdout and stderr."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                          text=True, check=False, timeout=200)
    return done.returncode, done.stdout.splitlines()


class Page:
    """What is done with it."""

    def __init__(self, path, folder, runner, write):
        self.path, self.folder, self.runner, self.write = path, folder, runner, write
        with open(path, encoding='utf-8') as file:
            self.lines = file.read().split('\n')
        self.replaced, self.differences, self.commands = [], 0, 0

    def differs(self, at, command, expected, got):
        """Says so, or notes what to write."""
        if self.write and '...' not in [line.strip() for line in expected]:
            self.replaced.append((at + 1, len(expected), got))
            return
        self.differences += 1
        print('%s:%d: # %s\n  the page says:' % (os.path.basename(self.path), at + 1, command))
        print('\n'.join('    ' + line for line in expected))
        print('  it prints:\n' + '\n'.join('    ' + line for line in got))

    def run_block(self, at, block):
        """All its commands."""
        for start, command, expected in steps(block):
            self.commands += 1
            got = output(self.runner + [command])[1]
            if not same(expected, got):
                self.differs(at + start, command, expected, got)

    def lab(self, at, command):
        """What goes on meanwhile has to succeed."""
        code, said = output(['bash', '-ec', command])
        if code:
            self.differences += 1
            print('%s:%d: %s: exit code %d\n%s' % (os.path.basename(self.path), at + 1, command, code, '\n'.join(said)))

    def run(self):
        """The number of differences."""
        before = ('', '')
        for kind, at, text in list(blocks(self.lines)):
            if kind == 'block' and before[0] == 'file':
                with open(os.path.join(self.folder, before[1]), 'w', encoding='utf-8') as file:
                    file.write('\n'.join(text) + '\n')
            elif kind == 'block' and before[0] != 'not run':
                self.run_block(at, text)
            elif kind == 'lab':
                self.lab(at, text)
            before = (kind, text)
        return self.differences

    def rewrite(self):
        """The page with what the commands printed."""
        for at, count, got in reversed(self.replaced):
            self.lines[at:at + count] = [(INDENT + line).rstrip() for line in got]
        with open(self.path, 'w', encoding='utf-8') as file:
            file.write('\n'.join(self.lines))


def main():
    """The exit code."""
    words = sys.argv[1:]
    write = words[:1] == ['--write']
    path, folder, *runner = words[write:]
    page = Page(path, folder, runner, write)
    differences = page.run()
    if page.replaced:
        page.rewrite()
    print('%d commands of %s, %d differences' % (page.commands, os.path.basename(path), differences))
    return 1 if differences else 0


if __name__ == '__main__':
    sys.exit(main())
