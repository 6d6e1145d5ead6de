import { cryptoReady, isSs58, publicKeyOf, verifySr25519 } from '../chain/hotkey.ts';
import { createHotkey } from '../chain/new-hotkey.ts';
import { loadHotkey } from '../chain/wallet.ts';
import { type Command, JSON_OPTION, usage } from './command.ts';
import { EXIT } from './exit-codes.ts';
import { MESSAGE_DETAILS, MESSAGE_OPTIONS, readMessage } from './keys-message.ts';
import { KEY_ENVIRONMENT, KEY_OPTIONS, keySource, PASSWORD_OPTION } from './keys-source.ts';

export const keysNewCommand: Command = {
  name: 'keys new',
  summary: 'Make a hotkey and write it, readable by its owner only; nothing is overwritten.',
  arguments: [],
  options: { json: JSON_OPTION, ...KEY_OPTIONS },
  details:
    'The file is not encrypted, as the validator needs it, and it holds the only copy of the secret: keep a backup.',
  settings: KEY_ENVIRONMENT,
  run: async (input, io) => {
    const { signer, file } = await createHotkey(keySource(keysNewCommand, input, io));
    const key = describeKey(signer.hotkey);
    io.out(
      input.flag('json')
        ? `${JSON.stringify({ ...key, file })}\n`
        : `${key.hotkey}\n${key.publicKey}\nwritten to ${file}\n`,
    );
    return EXIT.ok;
  },
};

export const keysShowCommand: Command = {
  name: 'keys show',
  summary: "Show a hotkey's address and public key, never its secret.",
  arguments: [],
  options: { json: JSON_OPTION, ...KEY_OPTIONS, ...PASSWORD_OPTION },
  settings: KEY_ENVIRONMENT,
  run: async (input, io) => {
    const { hotkey } = await loadHotkey(keySource(keysShowCommand, input, io));
    const key = describeKey(hotkey);
    io.out(input.flag('json') ? `${JSON.stringify(key)}\n` : `${key.hotkey}\n${key.publicKey}\n`);
    return EXIT.ok;
  },
};

export const keysSignCommand: Command = {
  name: 'keys sign',
  summary: 'Sign a message with a hotkey, as the Python SDK signs bytes.',
  arguments: ['[message]'],
  options: { json: JSON_OPTION, ...MESSAGE_OPTIONS, ...KEY_OPTIONS, ...PASSWORD_OPTION },
  details: MESSAGE_DETAILS,
  settings: KEY_ENVIRONMENT,
  run: async (input, io) => {
    const source = keySource(keysSignCommand, input, io);
    const message = await readMessage(keysSignCommand, input, input.arguments[0]);
    const { hotkey, sign } = await loadHotkey(source);
    const signature = `0x${sign(message)}`;
    io.out(input.flag('json') ? `${JSON.stringify({ hotkey, signature })}\n` : `${signature}\n`);
    return EXIT.ok;
  },
};

export const keysVerifyCommand: Command = {
  name: 'keys verify',
  summary: 'Check that a hotkey signed a message: exit code 0 when it did, 4 when it did not.',
  arguments: ['hotkey', 'signature', '[message]'],
  options: { json: JSON_OPTION, ...MESSAGE_OPTIONS },
  details: `${MESSAGE_DETAILS}\nA signature over the <Bytes> form that browser wallets sign is none over the message.`,
  run: async (input, io) => {
    const [hotkey = '', given = '', argument] = input.arguments;
    if (!isSs58(hotkey))
      throw usage(keysVerifyCommand, {
        field: 'hotkey',
        value: hotkey,
        expected: 'an ss58 address with prefix 42 and a valid checksum',
      });
    const signature = given.replace(/^0x/i, '').toLowerCase();
    if (!/^[0-9a-f]{128}$/.test(signature))
      throw usage(keysVerifyCommand, {
        field: 'signature',
        value: given,
        expected: '128 hex digits',
      });
    const message = await readMessage(keysVerifyCommand, input, argument);
    await cryptoReady();
    const valid = verifySr25519(message, signature, hotkey);
    io.out(
      input.flag('json')
        ? `${JSON.stringify({ hotkey, valid })}\n`
        : `${valid ? 'signed' : 'not signed'} by ${hotkey}\n`,
    );
    return valid ? EXIT.ok : EXIT.mismatch;
  },
};

function describeKey(hotkey: string): Readonly<{ hotkey: string; publicKey: string }> {
  return { hotkey, publicKey: `0x${Buffer.from(publicKeyOf(hotkey) ?? []).toString('hex')}` };
}
