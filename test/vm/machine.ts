// Real Debian machines for tests: a thin layer over scripts/vm, which explains how they work.

import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const vm = fileURLToPath(new URL('../../scripts/vm', import.meta.url));

/** What a command left behind. */
export interface Result {
  /** Exit status; 255 when there was no connection to the machine. */
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ExecOptions {
  /** What the command reads on its standard input; nothing when absent. */
  readonly input?: string | Uint8Array;
  /** After this time the call fails (default: ten minutes). The command in the guest may go on. */
  readonly timeoutMs?: number;
}

/** Debian releases there are machines of. */
export type Suite = 'bullseye' | 'bookworm' | 'trixie';

export interface StartOptions {
  /** Boots the machine instead of continuing a stored one: a dozen seconds instead of one. */
  readonly cold?: boolean;
  /** Extra kernel arguments; the machine is booted then. */
  readonly append?: string;
  /** A file tree to boot from, in place of the suite's image; see {@link unpackTree}. */
  readonly tree?: string;
}

export interface RebootOptions {
  /** Extra kernel arguments from now on; absent: as before, empty: none. */
  readonly append?: string;
  /** A raw image that is a second disk from now on, read-only; not together with `append`. */
  readonly disk?: string;
}

const defaultTimeoutMs = 600_000;
/** The first start of a suite builds its image. */
const buildTimeoutMs = 1_800_000;

/**
 * Runs a program to its end.
 * @throws when it cannot be started, takes too long or is killed
 */
export function runProgram(file: string, argv: readonly string[], options: ExecOptions = {}): Promise<Result> {
  const { input, timeoutMs = defaultTimeoutMs } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(file, argv, { stdio: ['pipe', 'pipe', 'pipe'], detached: true });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    // A command that does not read its input ends before all of it is written.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input ?? '');
    const fail = (why: string) => {
      reject(new Error(`${[file, ...argv].join(' ')}: ${why}\n${Buffer.concat(stderr).toString()}`));
    };
    const timer = setTimeout(() => {
      endGroup(child);
      // Not waiting for the end of the output: ssh's shared connection holds it open as long as the guest's command runs.
      child.stdout.destroy();
      child.stderr.destroy();
      fail(`not done after ${timeoutMs} ms`);
    }, timeoutMs);
    child.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.on('close', (status, signal) => {
      clearTimeout(timer);
      if (status === null) fail(`killed by ${signal}`);
      else resolve({ status, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() });
    });
  });
}

/** Ends a program and what it has started: a shell that waits for ssh would not pass the signal on. */
function endGroup(child: ChildProcess): void {
  const { pid } = child;
  if (pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  process.kill(-pid, 'SIGTERM');
  const last = setTimeout(() => {
    if (child.exitCode === null && child.signalCode === null) process.kill(-pid, 'SIGKILL');
  }, 5_000);
  last.unref();
  child.on('exit', () => clearTimeout(last));
}

/** scripts/vm with these arguments, which must succeed. */
async function runVm(argv: readonly string[], timeoutMs?: number): Promise<Result> {
  const result = await runProgram(vm, argv, timeoutMs === undefined ? {} : { timeoutMs });
  if (result.status !== 0) {
    throw new Error(`scripts/vm ${argv.join(' ')}: status ${result.status}\n${result.stderr}`);
  }
  return result;
}

function appendArguments(append: string | undefined): string[] {
  return append === undefined ? [] : ['--append', append];
}

/** A running machine; end it with {@link Machine.stop}. */
export class Machine {
  readonly suite: Suite;
  readonly name: string;

  constructor(suite: Suite, name: string) {
    this.suite = suite;
    this.name = name;
  }

  /** Runs a command in the guest as root; a status other than 0 is a result, not an error. */
  exec(argv: readonly string[], options: ExecOptions = {}): Promise<Result> {
    return runProgram(vm, ['exec', this.name, '--', ...argv], options);
  }

  /**
   * Runs a shell script in the guest, which must succeed.
   * @returns its standard output
   */
  async sh(script: string, options: ExecOptions = {}): Promise<string> {
    const result = await this.exec(['sh', '-euc', script], options);
    if (result.status !== 0) {
      throw new Error(`${this.name}: status ${result.status} of: ${script}\n${result.stdout}${result.stderr}`);
    }
    return result.stdout;
  }

  /** Copies files or directories into the guest, as `cp -a` would: modes are kept, root owns them. */
  async copy(source: string | readonly string[], destination: string): Promise<void> {
    const sources = typeof source === 'string' ? [source] : source;
    await runVm(['copy', this.name, ...sources, destination]);
  }

  /** Copies a file or directory from the guest. */
  async fetch(source: string, destination: string): Promise<void> {
    await runVm(['fetch', this.name, source, destination]);
  }

  /** Really reboots; resolves when systemd has started everything. */
  async reboot(options: RebootOptions = {}): Promise<void> {
    const disk = options.disk === undefined ? [] : ['--disk', options.disk];
    await runVm(['reboot', this.name, ...appendArguments(options.append), ...disk]);
  }

  /** Stores memory and disk under a name, which may be used again. */
  async snapshot(tag: string): Promise<void> {
    await runVm(['snapshot', this.name, tag]);
  }

  /** Goes back to what was stored under this name; the clock shows the real time. */
  async restore(tag: string): Promise<void> {
    await runVm(['restore', this.name, tag]);
  }

  /** Ends the machine at once: what the guest has not flushed to its disk is lost. */
  async powercut(): Promise<void> {
    await runVm(['powercut', this.name]);
  }

  /** Boots the machine from its disk after {@link Machine.powercut}. */
  async boot(): Promise<void> {
    await runVm(['boot', this.name]);
  }

  /** What the machine has written to its serial console. */
  async console(): Promise<string> {
    return (await runVm(['console', this.name])).stdout;
  }

  /** Ends the machine and throws its disk away. */
  async stop(): Promise<void> {
    await runVm(['stop', this.name]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** Starts a machine under a name that no other has at this time; builds the suite's image if there is none. */
export async function startMachine(suite: Suite, name: string, options: StartOptions = {}): Promise<Machine> {
  const cold = options.cold === true ? ['--cold'] : [];
  const tree = options.tree === undefined ? [] : ['--tree', options.tree];
  await runVm(['start', suite, name, ...cold, ...tree, ...appendArguments(options.append)], buildTimeoutMs);
  return new Machine(suite, name);
}

/** Unpacks a suite's image into a directory that is not there yet. */
export async function unpackTree(suite: Suite, directory: string): Promise<void> {
  await runVm(['tree', suite, directory], buildTimeoutMs);
}
