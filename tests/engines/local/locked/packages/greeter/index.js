module.exports = (name) => require("left-pad")(`hello ${name}`, 12);
