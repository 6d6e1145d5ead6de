import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { type AddressClass, canonicalAddress, classifyAddress } from '#src/runtime/address.ts';
import { createPeerClient } from '#src/runtime/peer-client.ts';
import { parseTarget } from '#src/runtime/peer-target.ts';

// biome-ignore format: a table is read by the row
const ADDRESSES: readonly (readonly [AddressClass, ...string[]])[] = [
  ['public', '1.1.1.1', '9.255.255.255', '11.0.0.0', '100.63.255.255', '100.128.0.0', '126.255.255.255', '128.0.0.1'],
  ['public', '172.15.255.255', '172.32.0.0', '192.167.255.255', '192.169.0.0', '192.0.1.0', '223.255.255.255'],
  ['public', '168.63.129.15', '168.63.129.17', '198.17.255.255', '198.20.0.0', '169.253.255.255', '169.255.0.0'],
  ['public', '2606:4700:4700::1111', '2001:200::1', '2001:4860:4860::8888', '2a00::1', '3ffe::1', '2003::1'],
  ['public', '::ffff:1.1.1.1', '::ffff:101:101', '64:ff9b::1.1.1.1', '64:ff9b::808:808'],
  ['loopback', '127.0.0.1', '127.255.255.255', '::1', '0:0:0:0:0:0:0:1', '::ffff:127.0.0.1', '::FFFF:7F00:1'],
  ['private', '10.0.0.0', '10.255.255.255', '172.16.0.1', '172.31.255.255', '192.168.0.1', '::ffff:10.0.0.1'],
  ['private', 'fc00::1', 'fd00:ec2::254', 'fdff:ffff::1', 'fec0::1'],
  ['link-local', '169.254.0.0', '169.254.169.254', '::ffff:169.254.169.254', 'fe80::1', 'febf::1'],
  ['carrier-nat', '100.64.0.1', '100.100.100.200', '100.127.255.255', '::ffff:100.64.0.1'],
  ['unspecified', '0.0.0.0', '::', '0:0:0:0:0:0:0:0', '::ffff:0.0.0.0'],
  ['multicast', '224.0.0.1', '239.255.255.255', 'ff02::1', 'ffff::1'],
  ['documentation', '192.0.2.1', '198.51.100.1', '203.0.113.255', '2001:db8::1', '3fff:fff::1'],
  ['reserved', '0.0.0.1', '0.255.255.255', '192.0.0.192', '198.18.0.1', '198.19.255.255', '240.0.0.1', '255.255.255.255'],
  ['reserved', '100::1', '2001:1ff::1', '2001:2::1', '2001:20::1', '4000::1', '5f00::1', '1000::1', '64:ff9c::1'],
  ['transition', '::127.0.0.1', '::7f00:1', '::2', '::ffff:0:127.0.0.1', '64:ff9b::7f00:1', '64:ff9b::169.254.169.254'],
  ['transition', '64:ff9b:1::1.1.1.1', '2002:7f00:1::', '2002:101:101::1', '2001::1', '2001:0:7f00:1::', '192.88.99.1'],
  ['cloud-internal', '168.63.129.16', '::ffff:168.63.129.16'],
  ['scoped', 'fe80::1%eth0', '::1%lo', '2606:4700::1%1', 'fe80::1%25eth0'],
  ['invalid', '', 'localhost', '127.1', '0x7f.0.0.1', '2130706433', '1.2.3.4.5', ' 127.0.0.1', '127.0.0.1 ', '[::1]'],
  ['invalid', '01.2.3.4', '256.0.0.1', '1.2.3.4\n', '::ffff:127.0.0.256', '1::2::3', ':::', '::12345', '1.2.3.4/8'],
];

describe('classifyAddress', () => {
  for (const [addressClass, ...spellings] of ADDRESSES) {
    for (const spelling of spellings) {
      test(`${JSON.stringify(spelling)} is ${addressClass}`, () => {
        expect(classifyAddress(spelling)).toBe(addressClass);
      });
    }
  }

  test('every IPv4 address has the same class when it is mapped into IPv6', () => {
    fc.assert(
      fc.property(fc.ipV4(), (dotted) => {
        expect(classifyAddress(`::ffff:${dotted}`)).toBe(classifyAddress(dotted));
      }),
    );
  });

  test('every IPv6 address outside 2000::/3 but the mapped and NAT64 ones is refused', () => {
    fc.assert(
      fc.property(fc.ipV6(), (text) => {
        const canonical = canonicalAddress(text) ?? '';
        const global = /^[23][0-9a-f]{3}:/.test(canonical);
        const wrapped = canonical.includes('.') || canonical.startsWith('64:ff9b:0:0:0:0:');
        if (!global && !wrapped) expect(classifyAddress(text)).not.toBe('public');
      }),
    );
  });
});

describe('canonicalAddress', () => {
  test('two spellings of one address are equal', () => {
    expect(canonicalAddress('2001:DB8:0:0::0001')).toBe('2001:db8:0:0:0:0:0:1');
    expect(canonicalAddress('2001:db8::1')).toBe('2001:db8:0:0:0:0:0:1');
    expect(canonicalAddress('::ffff:127.0.0.1')).toBe('127.0.0.1');
    expect(canonicalAddress('::ffff:7f00:1')).toBe('127.0.0.1');
  });

  test('agrees with the URL parser on every IPv6 address', () => {
    fc.assert(
      fc.property(fc.ipV6(), (text) => {
        const compressed = new URL(`http://[${text}]/`).hostname.slice(1, -1);
        expect(canonicalAddress(text)).toBe(canonicalAddress(compressed));
      }),
    );
  });

  test('what is no address, or only one on an interface, has no canonical spelling', () => {
    expect(canonicalAddress('localhost')).toBeNull();
    expect(canonicalAddress('fe80::1%eth0')).toBeNull();
  });
});

// The URL parser turns each of these into a numeric address, which is then classified; none may be connected to.
// biome-ignore format: a table is read by the row
const FORBIDDEN_HOSTS = [
  '127.0.0.1', '127.1', '127.0.1', '0x7f.1', '0x7f.0.0.1', '0x7f000001', '2130706433',
  '0177.0.0.1', '017700000001', '127.0.0.1.', '%31%32%37.0.0.1', '１２７.0.0.1', '①②⑦.⓪.⓪.①',
  '127。0。0。1', '0', '0.0.0.0', '[::]', '[::1]', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]',
  '[0:0:0:0:0:ffff:127.0.0.1]', '[::127.0.0.1]', '[::ffff:0:127.0.0.1]', '[64:ff9b::7f00:1]',
  '[64:ff9b::169.254.169.254]', '[64:ff9b:1::7f00:1]', '[2002:7f00:1::]', '[2001:0:7f00:1::]',
  '169.254.169.254', '0xa9fea9fe', '2852039166', '[::ffff:a9fe:a9fe]', '[fd00:ec2::254]',
  '100.100.100.200', '168.63.129.16', '192.0.0.192', '10.0.0.1', '172.16.0.1', '192.168.1.1',
  '100.64.0.1', '255.255.255.255', '192.0.2.1', '198.18.0.1', '224.0.0.1', '240.0.0.1',
  '[2001:db8::1]', '[fc00::1]', '[fe80::1]', '[ff02::1]',
];

// biome-ignore format: a table is read by the row
const INVALID_URLS = [
  'http://[fe80::1%25eth0]/', 'http://[::1%25lo]/', 'http://256.0.0.1/', 'http://0x7f.0.0.0.1/',
  'http://[::1/', 'http://', 'http:///', '', 'no url', '//1.1.1.1/', '/etc/passwd',
  'file:///etc/passwd', 'ftp://1.1.1.1/', 'ws://1.1.1.1/', 'gopher://1.1.1.1/',
  'data:text/plain,x', 'javascript:1', 'http://user@1.1.1.1/', 'http://user:secret@1.1.1.1/',
  'http://:secret@1.1.1.1/', 'http://1.1.1.1:0/', 'http://1.1.1.1:65536/', 'http://1.1.1.1:-1/',
  `http://1.1.1.1/${'x'.repeat(3_000)}`,
];

describe('the client without allowLoopback', () => {
  for (const host of FORBIDDEN_HOSTS) {
    test(`does not connect to http://${host}/`, async () => {
      await using client = createPeerClient({ allowLoopback: false, lookup: unexpectedLookup });
      expect(await client.get(`http://${host}:8080/`)).toMatchObject({
        kind: 'refused',
        reason: 'address-forbidden',
      });
    });
  }

  for (const url of INVALID_URLS) {
    test(`does not accept ${JSON.stringify(url.slice(0, 60))} as a URL`, async () => {
      await using client = createPeerClient({ allowLoopback: false, lookup: unexpectedLookup });
      expect(await client.get(url)).toMatchObject({ kind: 'refused', reason: 'address-invalid' });
    });
  }

  test('refuses localhost as the system resolves it', async () => {
    await using client = createPeerClient({ allowLoopback: false });
    expect(await client.get('http://localhost:8080/')).toMatchObject({
      kind: 'refused',
      reason: 'address-forbidden',
    });
  });

  test('refuses a name when only one of its addresses is forbidden', async () => {
    const lookup = async () => [
      { address: '1.1.1.1' },
      { address: '2606:4700::1111' },
      { address: '10.0.0.1' },
    ];
    await using client = createPeerClient({ allowLoopback: false, lookup });
    expect(await client.get('http://mixed.example/')).toMatchObject({
      reason: 'address-forbidden',
      detail: '"mixed.example" leads to "10.0.0.1", which is private',
    });
  });

  test('refuses what a resolver gives that is not an address', async () => {
    await using client = createPeerClient({
      allowLoopback: true,
      lookup: async () => [{ address: '127.1' }],
    });
    expect(await client.get('http://odd.example/')).toMatchObject({ reason: 'address-forbidden' });
  });
});

test('with allowLoopback nothing but loopback is added', async () => {
  await using client = createPeerClient({ allowLoopback: true, lookup: unexpectedLookup });
  const stillForbidden = FORBIDDEN_HOSTS.filter((host) => !isLoopback(host));
  expect(stillForbidden.length).toBeGreaterThan(30);
  for (const host of stillForbidden) {
    expect(await client.get(`http://${host}:8080/`), host).toMatchObject({
      reason: 'address-forbidden',
    });
  }
});

test('ports of services that are not HTTP are forbidden on any address', () => {
  for (const port of [22, 25, 4222, 6379, 6443, 10250]) {
    expect(parseTarget(`http://1.1.1.1:${port}/`)).toMatchObject({
      kind: 'refused',
      reason: 'address-forbidden',
    });
  }
  expect(parseTarget('http://1.1.1.1:8091/x?y#z')).toMatchObject({
    kind: 'target',
    port: 8091,
    path: '/x?y',
  });
  expect(parseTarget('https://peer.example')).toMatchObject({
    port: 443,
    secure: true,
    host: 'peer.example',
    path: '/',
  });
});

test('whatever the URL, its path and host can be sent as they are', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.boolean(), (text, afterHost) => {
      const target = parseTarget(afterHost ? `http://peer.example/${text}` : `http://${text}/`);
      if (target.kind === 'refused') return;
      expect(target.path).toMatch(/^\/[\x21-\x7e]*$/);
      expect(target.host).toMatch(/^[\x21-\x7e]+$/);
    }),
    { numRuns: 1_000 },
  );
});

async function unexpectedLookup(hostname: string): Promise<never> {
  throw new Error(`${hostname} was looked up`);
}

function isLoopback(host: string): boolean {
  return (
    classifyAddress(new URL(`http://${host}/`).hostname.replace(/^\[(.*)\]$/, '$1')) === 'loopback'
  );
}
