"""Published nets, one family per file, written with `cutpoint.lab.zoo.net.Net`."""
