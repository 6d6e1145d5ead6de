import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { axonAddress } from '#src/chain/axon-address.ts';
import { axonUrl } from '#src/chain/axon-url.ts';

describe('the address of an axon', () => {
  test.each([
    ['http://192.222.59.109:8091', { ip: 3_235_789_677n, ipType: 4, port: 8_091 }],
    [
      'http://[2001:db8::7]:1',
      { ip: 0x2001_0db8_0000_0000_0000_0000_0000_0007n, ipType: 6, port: 1 },
    ],
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
