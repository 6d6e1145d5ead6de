import { describe, expect, test } from 'vitest';
import type { ServeAxonCall } from '#src/devchain/axons.ts';
import { dispatch } from '#src/devchain/runtime.ts';
import { after, at, devSubnet, errorOf, hotkey, UID } from '../support/dev-subnet.ts';

const serve: ServeAxonCall = {
  call: 'SubtensorModule.serve_axon',
  netuid: 36,
  version: 1,
  ip: 2_130_706_433n,
  port: 8_091,
  ipType: 4,
  protocol: 4,
  placeholder1: 0,
  placeholder2: 0,
};
const send = (change: Partial<ServeAxonCall>, signer = 'a') =>
  errorOf(dispatch(devSubnet({}, 100), { ...serve, ...change }, hotkey(signer)));

describe('serve_axon', () => {
  test('stores the axon with its block, and changes no other neuron', () => {
    const state = after(devSubnet({}, 100), serve, 'a');
    const { call: _call, netuid: _netuid, ...axon } = serve;
    expect(state.neurons[UID.a]?.axon).toEqual({ block: 100, ...axon });
    expect(state.neurons.filter((neuron) => neuron.axon !== null)).toHaveLength(1);
  });

  test.each<[string, Partial<ServeAxonCall>, string]>([
    ['HotKeyNotRegisteredInNetwork', { port: 0 }, 'nobody'],
    ['HotKeyNotRegisteredInNetwork', { netuid: 35 }, 'a'],
    ['InvalidIpType', { ipType: 5 }, 'a'],
    ['InvalidIpAddress', { ip: 1n << 32n }, 'a'],
    ['InvalidIpAddress', { ip: 1n << 128n, ipType: 6 }, 'a'],
    ['InvalidPort', { port: 0 }, 'a'],
  ])('%s', (error, change, signer) => {
    expect(send(change, signer)).toBe(`SubtensorModule.${error}`);
  });

  test('an IP of zero is how one stops to serve', () => {
    expect(send({ ip: 0n })).toBeNull();
  });

  test('a second announcement waits 50 blocks', () => {
    const state = after(devSubnet({}, 100), serve, 'a');
    expect(errorOf(dispatch(at(state, 149), serve, hotkey('a')))).toBe(
      'SubtensorModule.ServingRateLimitExceeded',
    );
    expect(errorOf(dispatch(at(state, 150), serve, hotkey('a')))).toBeNull();
  });
});
