"""The eMSP: decides who may charge, holds their money, checks what it is billed and trusts no CPO for it."""
