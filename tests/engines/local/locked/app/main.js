console.log(require("greeter")("you"));
