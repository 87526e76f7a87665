'use strict';
// The org that the cases run in, made over the simulator's own surface, and the way there.
//
// jsforce believes that it talks to https://….my.salesforce.com: only the connection underneath leads to the simulator,
// which takes the org from the Host header.

const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { setDispatcher } = require('jsforce/lib/request');
const { Agent } = require('undici');

const template = fs.readFileSync(path.join(__dirname, '..', 'org.json'), 'utf8');

class Simulator {
  constructor(url, certificate) {
    this.url = url;
    this.certificate = certificate;
    const { hostname, port } = new URL(url);
    this.agent = new Agent({
      // jsforce's own connections are HTTP/1.1 too.
      connect: (_options, callback) => {
        const socket = net.connect({ host: hostname, port: Number(port) });
        socket.once('connect', () => callback(null, socket));
        socket.once('error', (error) => callback(error, null));
        return socket;
      },
    });
    setDispatcher(this.agent);
  }

  /** Makes an org like the one in org.json. */
  async createOrg(host, options = {}) {
    // Names of apps and users are unique among all orgs: the login host finds the org by them.
    const { org, fields } = JSON.parse(template.replaceAll('{org}', host.split('.')[0]));
    for (const app of org.apps) app.certificate = this.certificate;
    const created = await this.admin('POST', 'orgs', { ...org, ...options, host });
    for (const field of fields) await this.admin('POST', `orgs/${host}/fields`, field);
    return {
      host,
      id: created.org_id,
      url: `https://${host}`,
      app: org.apps[0],
      user: org.users[0],
      /** Stores records past every rule and returns their ids. */
      seed: (object, records) => this.admin('POST', `orgs/${host}/records/${object}`, records),
      expireSessions: () => this.admin('POST', `orgs/${host}/sessions/expire`, {}),
      refreshToken: async (username) => {
        const body = { client_id: org.apps[0].client_id, username };
        return (await this.admin('POST', `orgs/${host}/refresh-tokens`, body)).refresh_token;
      },
      counters: () => this.admin('GET', `orgs/${host}/counters`),
    };
  }

  async admin(method, resource, body) {
    const response = await fetch(`${this.url}/simulator/${resource}`, {
      method,
      headers: { 'content-type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} /simulator/${resource} answered ${response.status}: ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  }
}

module.exports = { Simulator };
