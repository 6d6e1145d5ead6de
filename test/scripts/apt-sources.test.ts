import { expect, test } from 'vitest';
import { parseDeb822Sources, parseOneLineSources } from '../../scripts/apt-sources.ts';
import { mirrorsOf } from '../../scripts/nats-server-distribution.ts';

const PARAGRAPHS = `Types: deb deb-src
# a comment inside of an entry
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
 contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb-src
URIs: http://source.example/debian
Suites: bookworm
Components: main

Enabled: no
Types: deb
URIs: http://disabled.example/debian
Suites: bookworm
Components: main
`;

const LINES = `# deb http://commented.example/debian bookworm main
deb [arch=amd64 signed-by=/k.gpg] https://mirror.example/debian  bookworm main contrib # why
deb-src https://source.example/debian bookworm main
deb cdrom:[Debian]/ bookworm main
deb https://security.example/debian-security bookworm-security main
deb https://other.example/apt stable main
`;

test('an entry of paragraphs gives its binary sources, folded lines included', () => {
  expect(parseDeb822Sources(PARAGRAPHS)).toEqual([
    {
      uris: ['http://mirror.example/debian'],
      suites: ['bookworm', 'bookworm-updates'],
      components: ['main', 'contrib'],
    },
  ]);
});

test('a line gives its source without the options', () => {
  expect(parseOneLineSources(LINES)[0]).toEqual({
    uris: ['https://mirror.example/debian'],
    suites: ['bookworm'],
    components: ['main', 'contrib'],
  });
});

test("the mirror of the machine's own release comes first, security and cdrom are none", () => {
  expect(mirrorsOf(parseOneLineSources(LINES), 'bookworm')).toEqual([
    'https://mirror.example/debian',
    'https://other.example/apt',
  ]);
});
