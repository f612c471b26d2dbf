/** realizar chat: a conversation at the terminal, or with the lines of standard input. */
import type { Command } from 'commander';
import { fileExists, readText, writeText } from '../platform/node.js';
import { Terminal } from '../platform/node-terminal.js';
import type { ChatOptions, Model } from '../types.js';
import { Conversation } from './conversation.js';
import {
  addEngineOptions, addSamplingOptions, type EngineFlags, generateOptions, loadWithProgress, type SamplingFlags, shippedModel,
} from './options.js';

interface ChatFlags extends EngineFlags, SamplingFlags {
  system?: string;
  template?: string;
}

const help = `\
  /system TEXT   set the system message; without TEXT take it away
  /history       show the conversation
  /clear         begin a new one; the system message stays
  /save FILE     write the conversation as JSON
  /load FILE     go on with a saved one
  /exit          leave; so does Ctrl-D
A line that ends with \\ goes on in the next one; pasted lines stay together.
Ctrl-C stops an answer. To send a line that begins with a slash, put a space before it.
`;

class Repl {
  private readonly conversation: Conversation;
  private readonly terminal = new Terminal();

  constructor(private readonly model: Model, private readonly options: ChatOptions, system: string) {
    this.conversation = new Conversation(system);
  }

  /** Until the input ends, somebody leaves, or, where nobody types, something fails. */
  async run(): Promise<void> {
    const { interactive } = this.terminal;
    if (interactive) process.stdout.write(`${this.model.info.name || 'The model'} listens. /help shows the commands.\n`);
    let interrupted = false;
    try {
      for (;;) {
        const typed = await this.terminal.read('> ');
        if (typed === 'end' || (typed === 'interrupt' && interrupted)) return;
        interrupted = typed === 'interrupt';
        if (typed === 'interrupt') {
          process.stdout.write('Ctrl-C again leaves, and so does /exit.\n');
          continue;
        }
        try {
          if (!(await this.take(typed.text))) return;
        } catch (error) {
          if (!interactive) throw error;
          process.stdout.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
        }
      }
    } finally {
      this.terminal.close();
    }
  }

  /** A message or a command; false: leave. */
  private async take(text: string): Promise<boolean> {
    if (!text.trim()) return true;
    if (!text.startsWith('/') || text.includes('\n')) {
      await this.answer(text.trim());
      return true;
    }
    const [, command, argument] = /^\/(\S*)\s*(.*?)\s*$/.exec(text)!;
    return this.command(command!, argument!);
  }

  private async command(command: string, argument: string): Promise<boolean> {
    const { conversation } = this;
    const say = (sentence: string) => process.stdout.write(`${sentence}\n`);
    const file = () => {
      if (!argument) throw new Error(`/${command} needs the name of a file`);
      return argument;
    };
    switch (command) {
      case 'exit': case 'quit':
        return false;
      case 'help':
        process.stdout.write(help);
        return true;
      case 'clear':
        conversation.turns = [];
        say('A new conversation.');
        return true;
      case 'system':
        conversation.system = argument;
        say(argument ? 'The system message is set.' : 'There is no system message.');
        return true;
      case 'history':
        process.stdout.write(conversation.toString() || 'Nothing has been said.\n');
        return true;
      case 'save':
        await writeText(file(), conversation.save());
        say(`Saved ${conversation.messages.length} messages in ${argument}.`);
        return true;
      case 'load':
        conversation.load(await readText(file()), argument);
        say(`Loaded ${conversation.messages.length} messages from ${argument}.`);
        return true;
      default:
        throw new Error(`there is no command /${command}: /help shows the commands`);
    }
  }

  /** Prints the answer as it comes. Stopped ones stay in the conversation as far as they came. */
  private async answer(text: string): Promise<void> {
    const { turns } = this.conversation;
    const events = (signal: AbortSignal) => this.model.chatStream(this.conversation.messages, { ...this.options, signal });
    let answer = '';
    let complete = false;
    turns.push({ role: 'user', content: text });
    try {
      complete = await this.terminal.interruptible(async (signal) => {
        try {
          for await (const piece of events(signal)) {
            process.stdout.write(answer.trim() ? piece : piece.trimStart());
            answer += piece;
          }
          return true;
        } catch (error) {
          if (signal.aborted) return false;
          throw error;
        }
      });
    } finally {
      if (complete || answer) {
        process.stdout.write('\n');
        turns.push({ role: 'assistant', content: answer });
      } else {
        turns.pop();
      }
    }
  }
}

/** A model without a chat format gets the plain one, and whoever asked for a chat is told. */
async function templateFor(model: Model, given?: string): Promise<string | undefined> {
  if (given !== undefined) return (await fileExists(given)) ? readText(given) : given;
  if ((await model.chatFormat()) !== null) return undefined;
  process.stderr.write(`${model.info.name || 'This model'} was not made for conversations: it has no chat template and no tokens of a chat `
    + 'format. It will continue a dialogue of User and Assistant; `realizar run` continues a text.\n');
  return 'plain';
}

async function chat(path: string | undefined, flags: ChatFlags): Promise<void> {
  const { threads, backend, variant, kv, contextSize } = flags;
  const { model } = await loadWithProgress(path ?? (await shippedModel()), { threads, backend, variant, kv, contextSize });
  try {
    const template = await templateFor(model, flags.template);
    await new Repl(model, { ...generateOptions(flags), template }, flags.system ?? '').run();
  } finally {
    await model.close();
  }
}

export function addChat(program: Command): void {
  const command = program.command('chat')
    .description('talk with a model; every line of standard input is a message where that is no terminal')
    .argument('[MODEL]', 'path or URL of a GGUF file; default: the shipped model')
    .option('-s, --system <text>', 'system message to begin with')
    .option('--template <name>', "a variant of the file, a known format (chatml, llama-3, plain ...) or a Jinja file; default: the model's")
    .action(chat);
  addEngineOptions(addSamplingOptions(command, 1024));
}
