import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { axonAddress, axonUrl } from '#src/chain/axon.ts';
import { AXON } from '#src/events/snapshot.ts';

const port = fc.integer({ min: 1, max: 65_535 });

test('an IPv4 address is the number of its bytes', () => {
  // The numbers of a validator on Finney.
  expect(axonUrl({ ip: 3_235_789_677n, port: 6_028, ipType: 4 })).toBe(
    'http://192.222.59.109:6028',
  );
  fc.assert(
    fc.property(fc.ipV4(), port, (address, port) => {
      const ip = address.split('.').reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
      const url = ip === 0n ? null : `http://${address}:${port}`;
      expect(axonUrl({ ip, port, ipType: 4 })).toBe(url);
    }),
  );
});

test('an IPv6 address is shortened in the one way that URLs have, and is an axon of an event', () => {
  const groups = fc.array(fc.integer({ min: 0, max: 65_535 }), { minLength: 8, maxLength: 8 });
  fc.assert(
    fc.property(groups, port, (groups, port) => {
      const ip = groups.reduce((sum, group) => sum * 65_536n + BigInt(group), 0n);
      const full = groups.map((group) => group.toString(16)).join(':');
      const url = axonUrl({ ip, port, ipType: 6 });
      if (ip === 0n) return expect(url).toBeNull();
      expect(url).toMatch(AXON);
      expect(new URL(url ?? '').href).toBe(new URL(`http://[${full}]:${port}`).href);
    }),
  );
  expect(axonUrl({ ip: 1n, port: 443, ipType: 6 })).toBe('http://[::1]:443');
  const longest = axonUrl({ ip: (1n << 128n) - 1n, port: 65_535, ipType: 6 });
  expect(longest).toBe('http://[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535');
});

test('no address, no port, an unknown kind and a number that is too great serve nothing', () => {
  expect(axonUrl({ ip: 0n, port: 80, ipType: 4 })).toBeNull();
  expect(axonUrl({ ip: 1n, port: 0, ipType: 4 })).toBeNull();
  expect(axonUrl({ ip: 1n, port: 80, ipType: 0 })).toBeNull();
  expect(axonUrl({ ip: 1n << 32n, port: 80, ipType: 4 })).toBeNull();
  expect(axonUrl({ ip: 1n << 128n, port: 80, ipType: 6 })).toBeNull();
});

describe('the address of an axon', () => {
  test.each([
    ['http://192.222.59.109:8091', { ip: 3_235_789_677n, ipType: 4, port: 8_091 }],
    [
      'http://[2001:db8::7]:1',
      { ip: 0x2001_0db8_0000_0000_0000_0000_0000_0007n, ipType: 6, port: 1 },
    ],
    ['http://[::1]:1', { ip: 1n, ipType: 6, port: 1 }],
    ['http://[::ffff:192.0.2.7]:65535', { ip: 0xffff_c000_0207n, ipType: 6, port: 65_535 }],
  ])('%s is a number', (url, address) => {
    expect(axonAddress(url)).toEqual(address);
  });

  test.each([
    'http://example.org:80',
    'https://192.0.2.7:80',
    'http://192.0.2.7',
    'http://192.0.2.7:0',
    'http://192.0.2.7:65536',
    'http://192.0.2.7:80/',
    'http://user@192.0.2.7:80',
    'http://192.0.2.256:80',
    'http://192.0.2:80',
    'http://[1::2::3]:80',
    'http://0.0.0.0:80',
    'http://2001:db8::7:80',
    'http://[fe80::1%eth0]:80',
    'http://[::]:80',
    '',
  ])('%j is none', (url) => {
    expect(axonAddress(url)).toBeNull();
  });

  test('is what a reader of the chain makes a URL of', () => {
    const v4 = fc.record({
      ip: fc.bigInt({ min: 1n, max: (1n << 32n) - 1n }),
      ipType: fc.constant<4>(4),
      port: fc.integer({ min: 1, max: 65_535 }),
    });
    const v6 = fc.record({
      ip: fc.oneof(
        fc.bigInt({ min: 1n, max: (1n << 128n) - 1n }),
        fc.integer({ min: 0, max: 127 }).map((bit) => 1n << BigInt(bit)),
      ),
      ipType: fc.constant<6>(6),
      port: fc.integer({ min: 1, max: 65_535 }),
    });
    fc.assert(
      fc.property(fc.oneof(v4, v6), (address) => {
        expect(axonAddress(axonUrl(address) ?? '')).toEqual(address);
      }),
    );
  });
});
