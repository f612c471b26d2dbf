/**
 * Chat templates: Jinja as Hugging Face's transformers runs it (trim_blocks, lstrip_blocks,
 * raise_exception, strftime_now). Templates come out of model files, so they are hostile: their
 * size, the work they may do and the texts they may make are bounded, and what goes wrong names its line.
 */
import { RealizarError } from '../errors.js';
import { Environment, Interpreter, parse, type Statement, type Token, tokenize, type Value } from './jinja.js';

/** Longest template, in UTF-16 units; the longest in use have 30,000. */
const maxTemplate = 1 << 18;
/** Longest white space: the engine's lexer needs its square in steps. */
const maxBlank = 1024;
/** Longest text a template may make, in UTF-16 units. */
const maxText = 1 << 24;
/** Work a rendering may do: evaluated expressions, and 1/256 for what they hand on. */
const maxWork = 1_000_000;

const maxRange = 100_000;

/** Thrown by a template's own raise_exception. */
class Refusal extends Error {}

/** Tags that the lexer takes out before it counts. */
const generationTag = /^\{%-?\s*(?:end)?generation\s*-?%\}$/;

interface Tag {
  line: number;
  /** Where it ends in the source. */
  end: number;
}

/** The end of a string that begins at `start` with its quote. */
function stringEnd(source: string, start: number): number {
  let i = start + 1;
  while (i < source.length && source[i] !== source[start]) i += source[i] === '\\' ? 2 : 1;
  return i + 1;
}

/** The end of a tag that begins at `start`: {{ }}, {% %} or {# #}; braces in strings do not count. */
function tagEnd(source: string, start: number): number {
  const kind = source[start + 1]!;
  if (kind === '#') {
    const end = source.indexOf('#}', start + 2);
    return end < 0 ? source.length : end + 2;
  }
  const close = kind === '{' ? '}}' : '%}';
  let braces = 0;
  for (let i = start + 2; i < source.length; i++) {
    const c = source[i];
    if (c === "'" || c === '"') i = stringEnd(source, i) - 1;
    else if (braces === 0 && source.startsWith(close, i)) return i + 2;
    else if (kind === '{' && c === '{') braces++;
    else if (kind === '{' && c === '}') braces--;
  }
  return source.length;
}

/** The tags of a source in order. */
function findTags(source: string): Tag[] {
  const tags: Tag[] = [];
  let line = 1;
  for (let i = 0; i < source.length; i++) {
    if (source[i] === '\n') line++;
    if (source[i] !== '{' || !'{%#'.includes(source[i + 1] ?? ' ')) continue;
    const end = tagEnd(source, i);
    const tag = source.slice(i, end);
    if (!generationTag.test(tag)) tags.push({ line, end });
    line += tag.split('\n').length - 1;
    i = end - 1;
  }
  return tags;
}

/** A comment that stands in front of a tag and says its line. While parsing, being looked at says how
 *  far the parser came; while running, being evaluated does. */
class LineMark {
  constructor(readonly value: string, private readonly seen: () => void) {}

  get type(): string {
    this.seen();
    return 'Comment';
  }
}

const markPattern = /^\0(\d+)$/;

/** Tokens with a LineMark in front of every tag, where both sides count the same tags. */
function markLines(tokens: Token[], tags: Tag[], seen: (line: number) => void): Token[] {
  const opens = (t: Token) => t.type === 'OpenStatement' || t.type === 'OpenExpression' || t.type === 'Comment';
  if (tokens.filter(opens).length !== tags.length) return tokens;
  let next = 0;
  return tokens.flatMap((token) => {
    if (!opens(token)) return [token];
    const { line } = tags[next++]!;
    return [new LineMark(`\0${line}`, () => seen(line)), token];
  });
}

/** A text without the characters at its ends that are among `chars`; by default white space. */
function strip(text: string, chars: unknown, start: boolean, end: boolean): string {
  const gone = (c: string) => (typeof chars === 'string' ? chars.includes(c) : c.trim() === '');
  let [from, to] = [0, text.length];
  while (start && from < to && gone(text[from]!)) from++;
  while (end && to > from && gone(text[to - 1]!)) to--;
  return text.slice(from, to);
}

/** Python's methods of strings that the engine has not, or without their arguments. */
const stringMethods: Record<string, (text: string) => (...args: never[]) => unknown> = {
  strip: (text) => (chars) => strip(text, chars, true, true),
  lstrip: (text) => (chars) => strip(text, chars, true, false),
  rstrip: (text) => (chars) => strip(text, chars, false, true),
  find: (text) => (part: string) => text.indexOf(part),
  removeprefix: (text) => (part: string) => (text.startsWith(part) ? text.slice(part.length) : text),
  removesuffix: (text) => (part: string) => (part && text.endsWith(part) ? text.slice(0, -part.length) : text),
};

/** Counts work, knows the line, and adds stringMethods. */
class BoundedInterpreter extends Interpreter {
  line = 0;
  private work = 0;

  override evaluate(statement: Statement | undefined, environment: Environment): Value {
    if (statement?.type === 'Comment') {
      const mark = markPattern.exec(String(statement.value));
      if (mark) this.line = Number(mark[1]);
    }
    if (statement?.type === 'Evaluated') return statement.value as Value;
    const result = statement?.type === 'MemberExpression' && !statement.computed ? this.member(statement, environment)
      : super.evaluate(statement, environment);
    const { value } = result;
    const size = typeof value === 'string' || Array.isArray(value) ? value.length : 0;
    if (size > maxText) throw new Error(`it makes a text of more than ${maxText} characters`);
    this.work += 1 + (size >> 8);
    if (this.work > maxWork) throw new Error('it does not come to an end');
    return result;
  }

  /** object.name */
  private member(statement: Statement, environment: Environment): Value {
    const object = this.evaluate(statement.object, environment);
    const name = String(statement.property?.value);
    if (typeof object.value === 'string' && Object.hasOwn(stringMethods, name)) {
      return new Environment().set(name, stringMethods[name]!(object.value));
    }
    return super.evaluate({ ...statement, object: { type: 'Evaluated', value: object } }, environment);
  }
}

const monthNames = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October',
  'November', 'December'];
const dayNames = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];

/** Python's strftime in the C locale, for the directives that dates and times need. */
export function strftime(date: Date, format: string): string {
  const padded = (n: number, width = 2) => String(n).padStart(width, '0');
  const start = new Date(date.getFullYear(), 0, 1);
  const dayOfYear = Math.round((new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime() - start.getTime()) / 864e5) + 1;
  const hour12 = date.getHours() % 12 || 12;
  const directives: Record<string, () => string> = {
    Y: () => padded(date.getFullYear(), 4),
    y: () => padded(date.getFullYear() % 100),
    m: () => padded(date.getMonth() + 1),
    d: () => padded(date.getDate()),
    e: () => String(date.getDate()).padStart(2),
    H: () => padded(date.getHours()),
    I: () => padded(hour12),
    M: () => padded(date.getMinutes()),
    S: () => padded(date.getSeconds()),
    p: () => (date.getHours() < 12 ? 'AM' : 'PM'),
    B: () => monthNames[date.getMonth()]!,
    b: () => monthNames[date.getMonth()]!.slice(0, 3),
    A: () => dayNames[date.getDay()]!,
    a: () => dayNames[date.getDay()]!.slice(0, 3),
    j: () => padded(dayOfYear, 3),
    F: () => strftime(date, '%Y-%m-%d'),
    T: () => strftime(date, '%H:%M:%S'),
    '%': () => '%',
  };
  return format.replace(/%([a-zA-Z%])/g, (whole, letter: string) => directives[letter]?.() ?? whole);
}

/** Python's range, of a length that a template may need. */
function range(first: number, second?: number, step = 1): number[] {
  const [from, to] = second === undefined ? [0, first] : [first, second];
  const count = Math.ceil((to - from) / step);
  if (!step || !(count <= maxRange)) throw new Error(`range(${from}, ${to}, ${step}) has no end or more than ${maxRange} numbers`);
  return Array.from({ length: Math.max(count, 0) }, (_, i) => from + i * step);
}

function globals(): Record<string, unknown> {
  return {
    true: true, True: true, false: false, False: false, none: null, None: null,
    raise_exception(message: unknown) { throw new Refusal(String(message)); },
    strftime_now: (format: string) => strftime(new Date(), format),
    range,
  };
}

function at(line: number): string {
  return line ? ` in line ${line}` : '';
}

function reasonOf(error: unknown): string {
  if (error instanceof RangeError) return 'it is nested too deeply or makes a text that is too long';
  if (error instanceof TypeError) return 'it ends too early';
  return (error instanceof Error ? error.message : String(error)).replace(/\s+/g, ' ').slice(0, 200);
}

function longestBlank(source: string): number {
  let longest = 0;
  for (let i = 0, run = 0; i < source.length; i++) {
    run = source[i]!.trim() ? 0 : run + 1;
    longest = Math.max(longest, run);
  }
  return longest;
}

/** The line of the first tag that the lexer cannot read: prefixes that hold it fail, shorter ones do not. */
function lexerLine(source: string, tags: Tag[]): number {
  const fails = (end: number) => {
    try {
      tokenize(source.slice(0, end));
      return false;
    } catch {
      return true;
    }
  };
  let [low, high] = [0, tags.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (fails(tags[middle]!.end)) high = middle;
    else low = middle + 1;
  }
  return tags[low]?.line ?? source.split('\n').length;
}

/** A template that was read and can be rendered. */
export class Template {
  private readonly program: Statement;

  /** `name` is how errors call it. FORMAT: it is no template, or too long. */
  constructor(source: string, private readonly name: string) {
    if (source.length > maxTemplate) {
      throw new RealizarError('FORMAT', `${name} has ${source.length} characters: at most ${maxTemplate} are read`);
    }
    if (longestBlank(source) > maxBlank) {
      throw new RealizarError('FORMAT', `${name} has more than ${maxBlank} blanks in a row`);
    }
    const tags = findTags(source);
    let line = 0;
    try {
      const tokens = tokenize(source, { lstrip_blocks: true, trim_blocks: true });
      this.program = parse(markLines(tokens, tags, (seen) => (line = Math.max(line, seen))));
    } catch (error) {
      throw new RealizarError('FORMAT', `${name} cannot be read${at(line || lexerLine(source, tags))}: ${reasonOf(error)}`, { cause: error });
    }
  }

  /** The text for these variables. ARGUMENT: the template itself refuses them; FORMAT: it fails. */
  render(variables: Record<string, unknown>): string {
    const environment = new Environment();
    const interpreter = new BoundedInterpreter(environment);
    try {
      for (const [name, value] of Object.entries({ ...globals(), ...variables })) environment.set(name, value);
      return String(interpreter.run(this.program).value);
    } catch (error) {
      const where = at(interpreter.line);
      if (error instanceof Refusal) {
        throw new RealizarError('ARGUMENT', `${this.name} refuses these messages${where}: ${reasonOf(error)}`, { cause: error });
      }
      throw new RealizarError('FORMAT', `${this.name} failed${where}: ${reasonOf(error)}`, { cause: error });
    }
  }
}
