// Makes Node send HTTP and HTTPS through HTTP_PROXY and HTTPS_PROXY, past NO_PROXY, by CONNECT.
// Before 22.21 and 24.5 Node does not do so itself; since then, with NODE_USE_ENV_PROXY, its fetch
// does and its global agents do, but no agent that a program makes.
// llmreplay loads it by NODE_OPTIONS=--require. Whatever goes wrong in here, the program goes on.
'use strict';

const DISPATCHER = Symbol.for('undici.globalDispatcher.1');
const MAX_HEAD_BYTES = 16384;
const PORTS = { 'http:': 80, 'https:': 443 };

function install() {
  if (process.versions.bun || process.versions.deno) return;
  silenceExperiment();
  const env = (name) => process.env[name.toLowerCase()] || process.env[name] || '';
  const all = proxy(env('ALL_PROXY'));
  const proxies = {
    'http:': proxy(env('HTTP_PROXY')) || all,
    'https:': proxy(env('HTTPS_PROXY')) || all,
  };
  if (!proxies['http:'] && !proxies['https:']) return;
  const direct = exceptions(env('NO_PROXY'));
  const route = (protocol, host, port) => (direct(host, String(port)) ? null : proxies[protocol]);
  overrideAgents(route);
  overrideFetch(route);
}

// Node 22 warns at each start that NODE_USE_ENV_PROXY is an experiment. The user has not asked for it.
function silenceExperiment() {
  if (process.env.NODE_USE_ENV_PROXY !== '1' || !process.versions.node.startsWith('22.')) return;
  const { emit } = process;
  process.emit = function (name, about, ...rest) {
    if (name === 'warning' && about?.code === 'UNDICI-EHPA') return false;
    return emit.call(this, name, about, ...rest);
  };
}

function proxy(text) {
  if (!text) return null;
  const url = new URL(text.includes('://') ? text : `http://${text}`);
  if (url.protocol !== 'http:') return null;
  const user = decodeURIComponent(url.username);
  const word = Buffer.from(`${user}:${decodeURIComponent(url.password)}`).toString('base64');
  return {
    host: bare(url.hostname),
    port: Number(url.port) || 80,
    authorization: user ? `Proxy-Authorization: Basic ${word}\r\n` : '',
  };
}

function bare(host) {
  return host.replace(/^\[|\]$/g, '').toLowerCase();
}

// NO_PROXY: names with all below them, addresses, `*`; each may have a port.
function exceptions(text) {
  const { BlockList, isIP } = require('net');
  const family = (address) => (isIP(address) === 6 ? 'ipv6' : 'ipv4');
  const ranges = new BlockList();
  const names = [];
  for (const entry of text.toLowerCase().split(/[\s,]+/).filter(Boolean)) {
    const [address, bits] = entry.split('/');
    if (bits && isIP(address)) ranges.addSubnet(address, Number(bits), family(address));
    else if (isIP(bare(entry))) ranges.addAddress(bare(entry), family(bare(entry)));
    else {
      const [, name, port] = /^(.*?)(?::(\d+))?$/.exec(entry);
      names.push({ name: bare(name).replace(/^\*?\./, ''), port });
    }
  }
  return (host, port) => {
    const asked = bare(host);
    if (isIP(asked)) {
      if (ranges.check(asked, family(asked))) return true;
    }
    return names.some(
      (one) =>
        (!one.port || one.port === port) &&
        (one.name === '*' || one.name === asked || asked.endsWith(`.${one.name}`)),
    );
  };
}

// A connection through the proxy. It can be written to at once; what is written waits.
function tunnel(through, host, port) {
  const net = require('net');
  const { Duplex } = require('stream');
  const authority = `${host.includes(':') ? `[${bare(host)}]` : host}:${port}`;
  const socket = net.connect(through.port, through.host);
  let begin;
  const established = new Promise((resolve) => {
    begin = resolve;
  });
  const outer = new Duplex({
    allowHalfOpen: true,
    read() {
      socket.resume();
    },
    write(chunk, encoding, done) {
      established.then(() => socket.write(chunk, encoding, done));
    },
    final(done) {
      established.then(() => socket.end(done));
    },
    destroy(error, done) {
      socket.destroy();
      done(error);
    },
  });
  // What an agent or a client asks of a socket, the one below answers.
  for (const name of ['setTimeout', 'setNoDelay', 'setKeepAlive', 'ref', 'unref']) {
    outer[name] = (...given) => {
      socket[name](...given);
      return outer;
    };
  }
  outer.connecting = true;
  const facts = ['remoteAddress', 'remotePort', 'remoteFamily', 'localAddress', 'localPort'];
  for (const name of [...facts, 'timeout']) {
    Object.defineProperty(outer, name, { get: () => socket[name] });
  }
  socket.on('timeout', () => outer.emit('timeout'));
  let isOver = false;
  socket.on('error', (error) => outer.destroy(error));
  socket.on('close', () => {
    // After a clean end, what has come may not be read yet.
    if (outer.connecting) outer.destroy(new Error(`no answer from the proxy for ${authority}`));
    else if (!isOver) outer.destroy();
  });
  socket.on('connect', () => {
    socket.setNoDelay(true);
    socket.write(
      `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${through.authorization}\r\n`,
    );
  });
  let head = Buffer.alloc(0);
  const readHead = (chunk) => {
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) {
      if (head.length > MAX_HEAD_BYTES) outer.destroy(new Error('the proxy answers no HTTP'));
      return;
    }
    socket.off('data', readHead);
    const [first, ...lines] = head.toString('latin1', 0, end).split('\r\n');
    if (!/^HTTP\/1\.[01] 200(?: |$)/.test(first)) {
      refused(socket, outer, authority, first, lines, head.subarray(end + 4));
      return;
    }
    socket.on('data', (piece) => outer.push(piece) || socket.pause());
    socket.on('end', () => {
      isOver = true;
      outer.push(null);
    });
    if (head.length > end + 4) outer.push(head.subarray(end + 4));
    outer.connecting = false;
    begin();
    outer.emit('connect');
  };
  socket.on('data', readHead);
  return outer;
}

// The proxy says why in the body of its answer, which no client would show.
function refused(socket, outer, authority, first, lines, start) {
  const length = Number(/^content-length: *(\d+)/im.exec(lines.join('\n'))?.[1]) || 0;
  const wanted = Math.min(length, MAX_HEAD_BYTES);
  let body = start;
  const done = () => {
    const status = first.replace(/^\S+ /, '');
    const said = body.toString('utf8', 0, wanted).trim();
    const error = new Error(`proxy refused ${authority}: ${status}${said && `: ${said}`}`);
    error.code = 'ERR_PROXY_TUNNEL';
    outer.destroy(error);
  };
  socket.removeAllListeners('close');
  socket.on('data', (chunk) => {
    body = Buffer.concat([body, chunk]);
    if (body.length >= wanted) done();
  });
  socket.on('close', done);
  if (body.length >= wanted) done();
}

// TLS inside a tunnel. Whether it keeps the process alive is for the socket below to know.
function secured(outer, options) {
  const socket = require('tls').connect({ ...options, socket: outer });
  for (const name of ['ref', 'unref']) {
    const own = socket[name];
    socket[name] = () => {
      outer[name]();
      return own.call(socket);
    };
  }
  return socket;
}

// The prototypes, so that agents of somebody's own are reached, too. A socket is returned at once,
// because not all of those wait for the callback (agentkeepalive, of OpenAI's SDK before 5).
function overrideAgents(route) {
  const http = require('http');
  const https = require('https');
  const { isIP } = require('net');
  override(http.Agent.prototype, 'http:', (outer) => outer);
  override(https.Agent.prototype, 'https:', (outer, options) =>
    secured(outer, { ...options, servername: options.servername || nameOf(options.host) }),
  );

  function nameOf(host) {
    return isIP(bare(host)) ? '' : host;
  }

  function override(prototype, protocol, finish) {
    const original = prototype.createConnection;
    prototype.createConnection = function createConnection(...given) {
      const [options] = given;
      // Agents with `proxyEnv` are Node's own way through a proxy.
      const isPlain =
        options?.host && !options.socketPath && !options.socket && !this?.options?.proxyEnv;
      const port = options?.port || PORTS[protocol];
      const through = isPlain ? route(protocol, options.host, port) : null;
      if (!through) return original.apply(this, given);
      return finish(tunnel(through, options.host, port), options);
    };
  }
}

// `fetch` loads undici when it is first called (44 ms): no program pays for it that does not fetch.
function overrideFetch(route) {
  const original = globalThis.fetch;
  if (typeof original !== 'function') return;
  let isReady = false;
  const value = function fetch(...given) {
    if (!isReady) {
      isReady = true;
      try {
        overrideDispatcher(route);
      } catch {
        // An undici that is built otherwise: it goes its own way.
      }
    }
    return original.apply(this, given);
  };
  Object.defineProperty(globalThis, 'fetch', { value, writable: true, configurable: true, enumerable: true });
}

function overrideDispatcher(route) {
  void globalThis.Headers;
  const Agent = globalThis[DISPATCHER]?.constructor;
  // Any other dispatcher is one that the program has chosen.
  if (Agent?.name !== 'Agent') return;
  const net = require('net');
  const connect = (options, callback) => {
    const host = bare(options.hostname);
    const port = Number(options.port) || PORTS[options.protocol];
    const through = route(options.protocol, host, port);
    const below = through
      ? tunnel(through, host, port)
      : net.connect({ host, port, autoSelectFamily: true });
    const isSecure = options.protocol === 'https:';
    const servername = options.servername || (net.isIP(host) ? '' : host);
    const socket = isSecure ? secured(below, { host, servername, ALPNProtocols: ['http/1.1'] }) : below;
    let tell = (...result) => {
      tell = () => {};
      callback(...result);
    };
    below.setNoDelay(true);
    below.setKeepAlive(true, 60000);
    below.on('error', (error) => isSecure && socket.destroy(error));
    socket.once(isSecure ? 'secureConnect' : 'connect', () => tell(null, socket));
    socket.on('error', (error) => tell(error));
    return socket;
  };
  globalThis[DISPATCHER] = new Agent({ connect });
}

try {
  install();
} catch {
  // A Node that is built otherwise: its program runs as it would have without us.
}
