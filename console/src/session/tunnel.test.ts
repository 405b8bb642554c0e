import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { openBrowser } from '../lib/browser.fixture.ts';

openBrowser();
const { TicketTunnel } = await import('./tunnel.ts');

/** The browser's end of a connection to the gateway. */
class Socket {
  static readonly OPEN = 1;
  static last: Socket;
  readyState = 0;
  readonly sent: string[] = [];
  closed: number | null = null;
  onmessage: (event: { data: string }) => void = () => undefined;
  onclose: (event: { reason: string }) => void = () => undefined;
  readonly url: string;
  readonly protocols: string[];
  constructor(url: string, protocols: string[]) {
    this.url = url;
    this.protocols = protocols;
    Socket.last = this;
  }
  send(text: string) {
    this.sent.push(text);
  }
  close(code: number) {
    this.closed = code;
  }
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('WebSocket', Socket);
});
afterEach(() => {
  vi.useRealTimers();
});

function open() {
  const tunnel = new TicketTunnel('secret');
  const heard: string[][] = [];
  const closes: [number, string][] = [];
  tunnel.oninstruction = (opcode, args) => heard.push([opcode, ...args.map(String)]);
  tunnel.onclosed = (status, code) => closes.push([status, code]);
  tunnel.connect('width=800');
  const socket = Socket.last;
  socket.readyState = Socket.OPEN;
  return { tunnel, socket, heard, closes, hear: (data: string) => socket.onmessage({ data }) };
}

test('the ticket travels beside the address, not in it', () => {
  const { socket } = open();
  expect([socket.url, socket.protocols]).toEqual([
    'wss://preau.example/api/tunnel?width=800',
    ['guacamole', 'ticket.secret'],
  ]);
  expect(socket.url).not.toContain('secret');
});

describe('lengths count code points', () => {
  // biome-ignore format: a table
  const elements: [said: string, element: string][] = [
    ['0.', ''], ['1.a', 'a'], ['5.élève', 'élève'], ['1.😀', '😀'], ['3.a😀b', 'a😀b'], ['2.😀,', '😀,'], ['2.😀;', '😀;'],
    ['3.😀😀,', '😀😀,'], ['5.👨‍👩‍👧', '👨‍👩‍👧'], ['3.1.,', '1.,'], ['4.,;.,', ',;.,'], ['1.漢', '漢'], ['2.e\u0301', 'e\u0301'],
  ];
  test.each(elements)('sent: %s', (said, element) => {
    const { tunnel, socket } = open();
    tunnel.sendMessage('key', element, 1);
    expect(socket.sent).toEqual([`3.key,${said},1.1;`]);
  });
  test.each(elements)('received: %s', (said, element) => {
    const { heard, socket, hear } = open();
    hear(`4.name,${said},${said};4.sync,2.42;`);
    expect(heard).toEqual([
      ['name', element, element],
      ['sync', '42'],
    ]);
    expect(socket.closed).toBeNull();
  });
  test.each(['4.name', '4.name!', '3.name;', 'x.a;', '4.name,9.short;', '1.a,1.b,'])(
    'what is no instruction ends it: %s',
    (text) => {
      const { socket, hear } = open();
      hear(text);
      expect(socket.closed).toBe(1000);
    },
  );
});

describe('why it closed', () => {
  // biome-ignore format: a table
  test.each([
    ['', 520, ''],
    ['519', 519, ''],
    ['771 SESSION_OVER', 771, 'SESSION_OVER'],
    ['521 superseded', 521, 'superseded'],
  ])('%s', (reason, status, code) => {
    const { socket, closes } = open();
    socket.onclose({ reason });
    expect(closes).toEqual([[status, code]]);
  });
  test('and it is not kept alive any more', () => {
    const { socket } = open();
    vi.advanceTimersByTime(10_000);
    expect(socket.sent).toHaveLength(2);
    expect(socket.sent[0]).toMatch(/^0\.,4\.ping,13\.\d{13};$/);
    socket.onclose({ reason: '' });
    vi.advanceTimersByTime(60_000);
    expect(socket.sent).toHaveLength(2);
  });
});

test('it is open once the gateway has named it; what is internal is no instruction', () => {
  const { tunnel, heard, hear } = open();
  expect([tunnel.state, tunnel.uuid]).toEqual([0, null]);
  hear('0.,36.00000000-0000-0000-0000-000000000000;');
  expect([tunnel.state, tunnel.uuid]).toEqual([1, '00000000-0000-0000-0000-000000000000']);
  hear('0.,4.ping,2.42;');
  expect([heard, tunnel.uuid]).toEqual([[], '00000000-0000-0000-0000-000000000000']);
});

test('nothing is sent before it is open, after it, or when there is nothing', () => {
  const { tunnel, socket } = open();
  tunnel.sendMessage(...([] as unknown as [string]));
  socket.readyState = 2;
  tunnel.sendMessage('key', 1);
  expect(socket.sent).toEqual([]);
  tunnel.disconnect();
  expect(socket.closed).toBe(1000);
});
