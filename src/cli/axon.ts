import { loadConfig } from '../config.ts';
import { wait } from '../runtime/clock.ts';
import { type Command, JSON_OPTION } from './command.ts';
import { EXIT } from './exit-codes.ts';
import { reachChain } from './reach-chain.ts';
import { submitCall } from './submit-call.ts';
import { openChain } from './validator/open-chain.ts';

export const axonServeCommand: Command = {
  name: 'axon serve',
  summary: 'Tell the chain where peers find this validator: a URL such as http://203.0.113.7:8787.',
  arguments: ['url'],
  options: { json: JSON_OPTION },
  details:
    'Signed with the hotkey. It waits until the extrinsic is final; `eirel doctor` says what stands on chain and who answers there.',
  settings: ['the hotkey', 'EIREL_NETUID', 'EIREL_CHAIN_ENDPOINTS', 'EIREL_CHAIN_GENESIS'],
  run: async (input, io) => {
    const [url = ''] = input.arguments;
    const config = loadConfig(io.env);
    await using chain = await openChain(config);
    const endpoints = config.EIREL_CHAIN_ENDPOINTS.length;
    await reachChain(chain, { endpoints, signal: io.signal });
    const { extrinsic, block } = await submitCall(
      chain,
      { kind: 'axon', url },
      {
        onProgress: ({ state, detail }) => io.note(`${state}: ${detail}\n`),
        wait,
        signal: io.signal,
      },
    );
    io.out(
      input.flag('json')
        ? `${JSON.stringify({ url, hash: extrinsic.hash, block })}\n`
        : `${url} since block ${block}\n`,
    );
    return EXIT.ok;
  },
};
